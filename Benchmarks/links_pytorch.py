"""One of the processes that train by PyTorch's DistributedDataParallel (gloo): prints the seconds of a step.

    python links_pytorch.py NETWORK SIDE BATCH contiguous|channels-last

Who it is, and where the others are, stands in the environment as PyTorch's own launcher writes it.
"""

import sys
import time

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from peers.torch_networks import loss, network

WARM_UP, STEPS = 3, 15


def main() -> None:
    name, side, batch, form = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    torch.manual_seed(1)
    order = torch.channels_last if form == "channels-last" else torch.contiguous_format
    model = DistributedDataParallel(network(name, 10, trains=True).to(memory_format=order), gradient_as_bucket_view=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    pictures = torch.randn(batch, 3, side, side).to(memory_format=order)
    labels = torch.randint(10, (batch,))
    for step in range(WARM_UP + STEPS):
        if step == WARM_UP:
            distributed.barrier()
            start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss(model(pictures), labels).backward()
        optimizer.step()
    if distributed.get_rank() == 0:
        print((time.perf_counter() - start) / STEPS)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
