"""TensorFlow, for training: a step of Keras layers as one graph, whose convolutions are oneDNN's.

Without XLA: on ResNet-18 it gave 12.1 images/s where the graph gave 14.6, on ResNet-20 and LeNet-5 a third and
less.
"""

from __future__ import annotations

from peers.peer import Case, Peer

NETWORKS = (
    "lenet5", "resnet20", "resnet18-torchvision", "resnet50-v1.5", "vgg-d", "googlenet-torchvision",
)


class TensorFlow(Peer):
    key = "tensorflow"
    name = "TensorFlow"
    package = "tensorflow_cpu"
    module = "tensorflow_keras"

    def variants(self, case: Case) -> list[str]:
        return ["graph"] if case.trains and case.model in NETWORKS else []


def work() -> None:
    import tensorflow as tf
    from peers.keras_networks import network
    from peers.worker import Request

    request = Request.from_arguments()
    case = request.case
    tf.config.threading.set_intra_op_parallelism_threads(case.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.random.set_seed(0)
    model = network(case.model, case.image, case.classes)
    channels, height, width = case.image
    images = tf.random.uniform((case.batch, height, width, channels))
    labels = tf.random.uniform((case.batch,), maxval=case.classes, dtype=tf.int32)
    rate, momentum, decay = 1e-4, 0.9, 0.0005
    parameters = [variable.value for variable in model.trainable_variables]
    velocities = [tf.Variable(tf.zeros_like(parameter)) for parameter in parameters]

    # The plain update, written out: Keras' optimizers do the same with more operations.
    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs = model(images, training=True)
            # Keras gives a single output without its list.
            main, *sides = outputs if isinstance(outputs, list) else [outputs]
            loss = cross_entropy(main) + sum(0.3 * cross_entropy(side) for side in sides)
        for parameter, velocity, gradient in zip(
            parameters, velocities, tape.gradient(loss, parameters)
        ):
            velocity.assign(momentum * velocity + gradient + decay * parameter)
            parameter.assign_sub(rate * velocity)
        return loss

    def cross_entropy(logits: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))

    request.measure(lambda: step().numpy())


if __name__ == "__main__":
    work()
