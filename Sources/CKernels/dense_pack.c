// Weights of dense layers in fewer bits, packed for the kernels that read them.
#include "dense.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "vector.h"

size_t ck_dense_packed_size(ck_dense_weights form, size_t outputs, size_t inputs) {
  return vectors_of(outputs) * vector_bytes(form, inputs) +
         (form == CK_DENSE_INT8 ? rounded(outputs) * sizeof(float) : 0);
}

// To nearest, ties to even; what is not a number stays none.
INLINE void store_bfloat16(void *to, const lanes *from) {
  const words bits = (words)*from;
  const words even = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
  const words is_number = (words)((bits & 0x7FFFFFFF) <= 0x7F800000);
  *(halves *)to = __builtin_convertvector((even & is_number) | (quiet & ~is_number), halves);
}

// To nearest, ties to even.
INLINE void store_int8(void *to, const lanes *from) {
  const float whole = 0x1.8p23f;  // from here on a number has no fraction
  *(quarters *)to = __builtin_convertvector((*from + whole) - whole, quarters);
}

// The step of a row: the largest magnitude is 127 of them. Not a number where the row has anything that is not finite, so
// that its results say so; zero where all is zero, or less than the arithmetic can hold.
INLINE float step_of(const float *row, size_t count) {
  lanes largest = {0}, wrong = {0};
  for (size_t i = 0; i < count; i += WIDTH) {
    lanes numbers = {0};
    if (i + WIDTH <= count)
      numbers = LOAD(row + i);
    else
      memcpy(&numbers, row + i, (count - i) * sizeof(float));
    const lanes size = (lanes)((words)numbers & 0x7FFFFFFF);
    const words is_larger = (words)(size > largest);
    largest = (lanes)(((words)size & is_larger) | ((words)largest & ~is_larger));
    wrong += numbers * 0;
  }
  float most = 0, sum = 0;
  for (int i = 0; i < WIDTH; ++i) {
    most = largest[i] > most ? largest[i] : most;
    sum += wrong[i];
  }
  const float step = most / 127;
  return sum != 0 ? NAN : step < FLT_MIN ? 0 : step;
}

typedef struct {
  void *packed;
  const float *weights;
  ck_dense_weights form;
  size_t outputs, inputs;
  int tasks;
} call;

// The vector of outputs from `first` on, `step` bytes from an input to the next; `factors` make weights steps.
INLINE void pack_vector(const call *c, char *to, size_t step, size_t first, const lanes *factors,
                        const ck_dense_weights form) {
  const size_t count = c->outputs - first < WIDTH ? c->outputs - first : WIDTH;
  float block[WIDTH][WIDTH] = {{0}};
  for (size_t k = 0; k < c->inputs; k += WIDTH) {
    const size_t inputs = c->inputs - k < WIDTH ? c->inputs - k : WIDTH;
    if (inputs == WIDTH)
      for (size_t o = 0; o < count; ++o)
        for (size_t i = 0; i < WIDTH; ++i) block[i][o] = c->weights[(first + o) * c->inputs + k + i];
    else
      for (size_t o = 0; o < count; ++o)
        for (size_t i = 0; i < inputs; ++i) block[i][o] = c->weights[(first + o) * c->inputs + k + i];
    for (size_t i = 0; i < inputs; ++i, to += step) {
      if (form == CK_DENSE_INT8) {
        const lanes steps = LOAD(block[i]) * *factors;
        store_int8(to, &steps);
      } else {
        store_bfloat16(to, (const lanes *)block[i]);
      }
    }
  }
}

VECTORISED(static, void, pack_panels, (const call *c, size_t first, size_t end), (c, first, end)) {
  const size_t vector = vector_bytes(c->form, c->inputs);
  float *steps = (float *)((char *)c->packed + vectors_of(c->outputs) * vector);
  for (size_t p = first; p < end; ++p) {
    const size_t begin = first_vector(c->outputs, p), vectors = first_vector(c->outputs, p + 1) - begin;
    for (size_t v = 0; v < vectors; ++v) {
      const size_t output = (begin + v) * WIDTH;
      char *to = (char *)c->packed + begin * vector + v * WIDTH * weight_bytes(c->form);
      const size_t stride = vectors * WIDTH * weight_bytes(c->form);
      lanes factors = {0};
      if (c->form == CK_DENSE_BFLOAT16) {
        pack_vector(c, to, stride, output, &factors, CK_DENSE_BFLOAT16);
        continue;
      }
      for (size_t o = 0; o < WIDTH; ++o) {
        const size_t row = output + o;
        const float step = row < c->outputs ? step_of(c->weights + row * c->inputs, c->inputs) : 0;
        steps[row] = step;
        if (step > 0) factors[o] = 1 / step;
      }
      pack_vector(c, to, stride, output, &factors, CK_DENSE_INT8);
    }
  }
}

static void run_task(void *context, int task) {
  const call *c = context;
  const size_t tasks = (size_t)c->tasks;
  pack_panels(c, first_panel(c->outputs, (size_t)task, tasks), first_panel(c->outputs, (size_t)task + 1, tasks));
}

void ck_dense_pack(void *packed, const float *weights, ck_dense_weights form, size_t outputs, size_t inputs,
                   int tasks) {
  REQUIRE(form != CK_DENSE_FLOAT32);
  call c = {packed, weights, form, outputs, inputs, tasks};
  ck_parallel(tasks, run_task, &c);
}
