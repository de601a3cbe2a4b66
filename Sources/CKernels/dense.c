// Dense layers whose time is that of reading the weights, which are read once, in order.
//
// Weights of single precision lie as they are stored, a row of inputs an output: sums are kept in vectors along the inputs,
// and added up at the end of a row. Packed weights of fewer bits are widened on their way from memory; sums are kept in
// vectors of outputs, and a part of the inputs makes a sum of its own, so that rounding errors stay small.
#include "dense.h"

#include "vector.h"

enum {
  // Rows of single precision that share what is read of the input.
  ROWS = 4,
  // Inputs of a part: what larger batches read again of weights and inputs stays in a near cache.
  PART = 1024,
  // How far ahead of a stream weights are asked for, in bytes.
  AHEAD = 3072,
};

typedef float eight __attribute__((vector_size(32)));
typedef float four __attribute__((vector_size(16)));

typedef struct {
  const ck_dense *dense;
  float *y;
  const float *x, *bias;
  const void *weights;
  int tasks;
} call;

// The result that a sum of all products makes.
INLINE float finished(const ck_dense *d, float sum) { return d->is_rectified && sum < 0 ? 0 : sum; }

// MARK: Single precision

// The sums of the elements of four vectors.
INLINE void add_across(float *sums, const lanes *x) {
  four f[ROWS];
  UNROLLED for (int r = 0; r < ROWS; ++r) {
    const eight e = __builtin_shufflevector(x[r], x[r], 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(x[r], x[r], 8, 9, 10, 11, 12, 13, 14, 15);
    f[r] = __builtin_shufflevector(e, e, 0, 1, 2, 3) + __builtin_shufflevector(e, e, 4, 5, 6, 7);
  }
  const four a = __builtin_shufflevector(f[0], f[1], 0, 4, 1, 5) + __builtin_shufflevector(f[0], f[1], 2, 6, 3, 7);
  const four b = __builtin_shufflevector(f[2], f[3], 0, 4, 1, 5) + __builtin_shufflevector(f[2], f[3], 2, 6, 3, 7);
  const four sum = __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
  UNROLLED for (int r = 0; r < ROWS; ++r) sums[r] = sum[r];
}

// Adds the products of inputs `first` ..< `end`, whole vectors; meanwhile asks for the weights `ahead` bytes further.
INLINE void accumulate(lanes *sums, const float *const *w, const float *x, size_t inputs, size_t first, size_t end,
                       size_t ahead, const size_t batch) {
  for (size_t i = first; i < end; i += WIDTH) {
    UNROLLED for (size_t r = 0; r < ROWS; ++r) {
      __builtin_prefetch((const char *)(w[r] + i) + ahead, 0, 0);
      const lanes weights = LOAD(w[r] + i);
      UNROLLED for (size_t b = 0; b < batch; ++b) sums[r * batch + b] += weights * LOAD(x + b * inputs + i);
    }
  }
}

// ROWS rows of weights from `row` on, and examples `first` ..< `first` + `batch`.
INLINE void product_of_rows(const call *c, size_t row, size_t first, const size_t batch) {
  const ck_dense *d = c->dense;
  const size_t inputs = d->inputs, rows = d->outputs - row < ROWS ? d->outputs - row : ROWS;
  const float *x = c->x + first * inputs, *w[ROWS];
  // Where fewer rows are left, the last of them again.
  for (size_t r = 0; r < ROWS; ++r) w[r] = (const float *)c->weights + (row + (r < rows ? r : rows - 1)) * inputs;
  lanes sums[ROWS * batch];
  UNROLLED for (size_t i = 0; i < ROWS * batch; ++i) sums[i] = (lanes){0};
  // What follows the end of a row is read already; the rows after these are not.
  const size_t whole = inputs / WIDTH * WIDTH, last = AHEAD / sizeof(float), middle = whole > last ? whole - last : 0;
  accumulate(sums, w, x, inputs, 0, middle, AHEAD, batch);
  accumulate(sums, w, x, inputs, middle, whole, AHEAD + (ROWS - 1) * inputs * sizeof(float), batch);
  UNROLLED for (size_t b = 0; b < batch; ++b) {
    lanes of_example[ROWS];
    float across[ROWS];
    UNROLLED for (size_t r = 0; r < ROWS; ++r) of_example[r] = sums[r * batch + b];
    add_across(across, of_example);
    float *y = c->y + (first + b) * d->outputs + row;
    for (size_t r = 0; r < rows; ++r) {
      float sum = across[r];
      for (size_t i = whole; i < inputs; ++i) sum += w[r][i] * x[b * inputs + i];
      if (c->bias) sum += c->bias[row + r];
      y[r] = finished(d, d->adds ? y[r] + sum : sum);
    }
  }
}

INLINE void share_of_rows(const call *c, size_t first, size_t end, const size_t most) {
  const size_t batch = c->dense->batch;
  for (size_t row = first; row < end; row += ROWS) {
    size_t example = 0;
    for (; example + most <= batch; example += most) product_of_rows(c, row, example, most);
    switch (batch - example) {
      case 3: product_of_rows(c, row, example, 3); break;
      case 2: product_of_rows(c, row, example, 2); break;
      case 1: product_of_rows(c, row, example, 1); break;
    }
  }
}

// MARK: Fewer bits

INLINE void widen(lanes *to, const char *from, const ck_dense_weights form) {
  if (form == CK_DENSE_BFLOAT16)
    *to = (lanes)(__builtin_convertvector(*(const halves *)from, words) << 16);
  else
    *to = __builtin_convertvector(*(const quarters *)from, lanes);
}

// A part of the inputs, some vectors of a panel's outputs, and some examples.
typedef struct {
  const char *weights;
  size_t weight_step;  // bytes from an input to the next
  size_t output, example, input, count;
} part;

INLINE void product_of_part(const call *c, const part *p, const ck_dense_weights form, const size_t vectors,
                            const size_t batch) {
  const ck_dense *d = c->dense;
  const float *x = c->x + p->example * d->inputs + p->input;
  const char *w = p->weights;
  lanes sums[batch * vectors];
  UNROLLED for (size_t i = 0; i < batch * vectors; ++i) sums[i] = (lanes){0};
  for (size_t k = 0; k < p->count; ++k, w += p->weight_step) {
    lanes weights[vectors];
    // Of the whole panel, though the vectors may be a part of it: the others come next.
    UNROLLED for (size_t line = 0; line < PANEL * WIDTH * weight_bytes(form); line += 64)
      __builtin_prefetch(w + AHEAD + line, 0, 0);
    UNROLLED for (size_t v = 0; v < vectors; ++v) widen(&weights[v], w + v * WIDTH * weight_bytes(form), form);
    UNROLLED for (size_t b = 0; b < batch; ++b)
      UNROLLED for (size_t v = 0; v < vectors; ++v) sums[b * vectors + v] += x[b * d->inputs + k] * weights[v];
  }
  const bool begins = p->input == 0, ends = p->input + p->count == d->inputs;
  const float *steps = (const float *)((const char *)c->weights + vectors_of(d->outputs) * vector_bytes(form, d->inputs));
  for (size_t b = 0; b < batch; ++b) {
    float *y = c->y + (p->example + b) * d->outputs;
    for (size_t v = 0; v < vectors; ++v) {
      for (size_t o = p->output + v * WIDTH, i = 0; i < WIDTH && o < d->outputs; ++o, ++i) {
        float sum = sums[b * vectors + v][i];
        if (form == CK_DENSE_INT8) sum *= steps[o];
        if (begins && c->bias) sum += c->bias[o];
        if (!begins || d->adds) sum += y[o];
        y[o] = ends ? finished(d, sum) : sum;
      }
    }
  }
}

// All examples, in groups of about equal size, at most `most` each.
INLINE void products_of_part(const call *c, part *p, const ck_dense_weights form, const size_t vectors,
                             const size_t most) {
  const size_t batch = c->dense->batch, groups = (batch + most - 1) / most;
  for (size_t group = 0; group < groups; ++group) {
    p->example = batch * group / groups;
    switch (batch * (group + 1) / groups - p->example) {
#define EXAMPLES(number)                                                     \
  case number:                                                               \
    if (number <= most) product_of_part(c, p, form, vectors, number);        \
    break;
      EXAMPLES(1) EXAMPLES(2) EXAMPLES(3) EXAMPLES(4) EXAMPLES(5) EXAMPLES(6)
#undef EXAMPLES
    }
  }
}

INLINE void share_of_panels(const call *c, size_t first, size_t end, const ck_dense_weights form, const size_t vectors,
                            const size_t most) {
  const ck_dense *d = c->dense;
  for (size_t index = first; index < end; ++index) {
    const size_t begin = first_vector(d->outputs, index), width = first_vector(d->outputs, index + 1) - begin;
    const char *w = (const char *)c->weights + begin * vector_bytes(form, d->inputs);
    part p = {.weight_step = width * WIDTH * weight_bytes(form)};
    for (; p.input < d->inputs; p.input += PART) {
      p.count = d->inputs - p.input < PART ? d->inputs - p.input : PART;
      for (size_t v = 0; v < width; v += vectors) {
        p.weights = w + p.input * p.weight_step + v * WIDTH * weight_bytes(form);
        p.output = (begin + v) * WIDTH;
        if (width == 1)
          products_of_part(c, &p, form, 1, most);
        else
          products_of_part(c, &p, form, vectors, most);
      }
    }
  }
}

// MARK: Dispatch

// How many examples the registers hold beside ROWS rows of weights, and beside some vectors of a panel.
INLINE void share_of(const call *c, size_t task, const size_t rows_batch, const size_t vectors, const size_t batch) {
  const size_t outputs = c->dense->outputs, tasks = (size_t)c->tasks;
  if (c->dense->weights == CK_DENSE_FLOAT32) {
    const size_t groups = (outputs + ROWS - 1) / ROWS, end = groups * (task + 1) / tasks * ROWS;
    share_of_rows(c, groups * task / tasks * ROWS, end < outputs ? end : outputs, rows_batch);
    return;
  }
  const size_t first = first_panel(outputs, task, tasks), end = first_panel(outputs, task + 1, tasks);
  if (c->dense->weights == CK_DENSE_BFLOAT16) {
    if (c->dense->batch == 1)
      share_of_panels(c, first, end, CK_DENSE_BFLOAT16, PANEL, 1);
    else
      share_of_panels(c, first, end, CK_DENSE_BFLOAT16, vectors, batch);
  } else {
    if (c->dense->batch == 1)
      share_of_panels(c, first, end, CK_DENSE_INT8, PANEL, 1);
    else
      share_of_panels(c, first, end, CK_DENSE_INT8, vectors, batch);
  }
}

#if defined(__x86_64__)
FOR_AVX512 static void share_avx512(const call *c, size_t task) { share_of(c, task, 4, 4, 6); }
FOR_AVX2 static void share_avx2(const call *c, size_t task) { share_of(c, task, 1, 1, 6); }
#endif
#if defined(__aarch64__)
static void share_portable(const call *c, size_t task) { share_of(c, task, 1, 1, 6); }
#else
static void share_portable(const call *c, size_t task) { share_of(c, task, 1, 1, 2); }
#endif

static void run_task(void *context, int task) {
  const call *c = context;
  switch (ck_usable_instructions(c->dense->instructions)) {
#if defined(__x86_64__)
    case CK_WIDEST: share_avx512(c, (size_t)task); break;
    case CK_AVX2: share_avx2(c, (size_t)task); break;
#endif
    default: share_portable(c, (size_t)task);
  }
}

void ck_dense_forward(const ck_dense *dense, float *y, const float *x, const void *weights, const float *bias,
                      int tasks) {
  call c = {dense, y, x, bias, weights, tasks};
  ck_parallel(tasks, run_task, &c);
}
