// Seconds of one update by each optimizer's kernel, on parameters whose numbers of elements are given on standard input, beside
// what the machine copies. `Benchmarks/optimizers.py` sets them beside PyTorch's.
#include "frame.h"

typedef struct {
  float *weight, *gradient, *first, *second, *third;
  size_t count;
} parameter;

static parameter parameters[4096];
static int parameter_count, threads;
static const char *kind;

static void step(const parameter *p, size_t first, size_t count) {
  const ck_momentum momentum = {1e-3f, 0.9f, 1e-4f, CK_VELOCITY_OF_STEPS, false};
  const ck_momentum nesterov = {1e-3f, 0.9f, 1e-4f, CK_VELOCITY_OF_GRADIENTS, true};
  const ck_rmsprop rmsprop = {1e-3f, 1e-4f, 0.9f, 0, 0.9f, 1, CK_VELOCITY_OF_GRADIENTS, false};
  const ck_adam adam = {0.1f, 0.001f, 1 - 1e-5f, 1e-3f, 1, 1e-8f, 0};
  float *weight = p->weight + first, *one = p->first + first, *two = p->second + first;
  float *gradient = p->gradient + first;
  if (strcmp(kind, "sgd") == 0) ck_momentum_step(weight, one, gradient, count, &momentum);
  if (strcmp(kind, "nesterov") == 0) ck_momentum_step(weight, one, gradient, count, &nesterov);
  if (strcmp(kind, "rmsprop") == 0) ck_rmsprop_step(weight, one, NULL, two, gradient, count, &rmsprop);
  if (strcmp(kind, "adamw") == 0) ck_adam_step(weight, one, two, gradient, count, &adam);
  if (strcmp(kind, "average") == 0) ck_average_weights(one, weight, count, 1e-3f);
  if (strcmp(kind, "accumulation") == 0) ck_accumulate(one, gradient, count, 0.25f, false);
}

static void share(void *context, int task) {
  (void)context;
  for (int i = 0; i < parameter_count; ++i) {
    const size_t first = ck_share_begin(parameters[i].count, task, threads);
    const size_t end = ck_share_begin(parameters[i].count, task + 1, threads);
    if (end > first) step(&parameters[i], first, end - first);
  }
}

int main(int argc, char **argv) {
  threads = argc > 1 ? atoi(argv[1]) : 2;
  begin(threads);
  for (size_t count; parameter_count < 4096 && scanf("%zu", &count) == 1; ++parameter_count) {
    parameter *p = &parameters[parameter_count];
    *p = (parameter){allocate(count), allocate(count), allocate(count), allocate(count), NULL, count};
    // A mean of squares is not below zero.
    for (size_t i = 0; i < count; ++i) p->first[i] *= p->first[i], p->second[i] *= p->second[i];
  }
  double read = 0, copied = 0;
  if (!ck_peak_memory_rates((size_t)1 << 28, threads, 1, &read, &copied)) return 1;
  printf("copy %g\n", copied);
  const char *kinds[] = {"sgd", "nesterov", "rmsprop", "adamw", "average", "accumulation"};
  // Floats read and written of an element.
  const int traffic[] = {5, 5, 7, 7, 3, 3};
  for (int i = 0; i < 6; ++i) {
    double times[21];
    kind = kinds[i];
    for (int run = 0; run < 21; ++run) {
      const double start = seconds();
      ck_parallel(threads, share, NULL);
      times[run] = seconds() - start;
    }
    printf("%s %g %d\n", kind, median(times, 21), traffic[i]);
  }
  return 0;
}
