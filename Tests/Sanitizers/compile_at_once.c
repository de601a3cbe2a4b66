// Several threads make their first primitives at once: what they share must be made in a way that the thread sanitizer accepts.
// `make sanitize` compiles it with the shim of oneDNN.
#include <pthread.h>
#include <stdio.h>

#include "COneDNN.h"

static void *make_sum(void *result) {
  const int64_t dims[2] = {4, 8};
  const float scales[2] = {1, 1};
  cdnn_desc *desc;
  cdnn_primitive *primitive;
  int *status = result;
  *status = cdnn_desc_create(&desc, 2, dims, CDNN_F32, NULL);
  if (*status) return NULL;
  const cdnn_desc *sources[2] = {desc, desc};
  *status = cdnn_sum(&primitive, desc, 2, scales, sources);
  if (*status == 0) cdnn_primitive_destroy(primitive);
  cdnn_desc_destroy(desc);
  return NULL;
}

int main(void) {
  enum { THREADS = 8 };
  pthread_t threads[THREADS];
  int results[THREADS];
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, make_sum, &results[i])) return 1;
  }
  int failures = 0;
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    failures += results[i] != 0;
  }
  printf("%d threads made primitives at once, %d could not\n", THREADS, failures);
  return failures != 0;
}
