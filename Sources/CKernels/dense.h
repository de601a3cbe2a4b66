#ifndef CONVNET_DENSE_H
#define CONVNET_DENSE_H

#include "CKernels.h"
#include "lanes.h"

// Packed weights lie in the order in which they are read. A panel has the weights of PANEL vectors of outputs: for the first
// input those of each output, then for the second. What is left of the outputs lies in panels of one vector, the last filled
// up with zeros. The steps of int8 follow, one an output.
enum { PANEL = 4 };

typedef uint32_t words __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t halves __attribute__((vector_size(32), aligned(2), may_alias));
typedef int8_t quarters __attribute__((vector_size(16), aligned(1), may_alias));

INLINE size_t weight_bytes(ck_dense_weights form) {
  return form == CK_DENSE_FLOAT32 ? sizeof(float) : form == CK_DENSE_BFLOAT16 ? sizeof(uint16_t) : sizeof(int8_t);
}
INLINE size_t vectors_of(size_t outputs) { return rounded(outputs) / WIDTH; }
INLINE size_t panels_of(size_t outputs) {
  const size_t whole = outputs / (PANEL * WIDTH);
  return whole + vectors_of(outputs) - whole * PANEL;
}
// The vector of outputs with which a panel begins; of the number of panels, the number of vectors.
INLINE size_t first_vector(size_t outputs, size_t panel) {
  const size_t whole = outputs / (PANEL * WIDTH);
  return panel <= whole ? panel * PANEL : panel + whole * (PANEL - 1);
}
INLINE size_t vector_bytes(ck_dense_weights form, size_t inputs) { return inputs * WIDTH * weight_bytes(form); }
// The panels of a task: about as many vectors as each other has.
INLINE size_t first_panel(size_t outputs, size_t task, size_t tasks) {
  const size_t vectors = vectors_of(outputs) * task / tasks, panels = panels_of(outputs);
  size_t panel = vectors / PANEL;
  while (panel < panels && first_vector(outputs, panel) < vectors) ++panel;
  return panel;
}

#endif
