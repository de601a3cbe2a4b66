// What a benchmark of our kernels beside oneDNN's stands in: the library's engine, memory, time.
#pragma once

#include "CKernels.h"

#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static void require(dnnl_status_t status) {
  if (status == dnnl_success) return;
  fprintf(stderr, "oneDNN reports status %d\n", (int)status);
  exit(1);
}

// Before anything else.
static void begin(int threads) {
  ck_begin_computing(threads);
  require(dnnl_engine_create(&engine, dnnl_cpu, 0));
  require(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
}

// The widest instructions of our kernels, by name.
static ck_instructions instructions_of(const char *name) {
  return strcmp(name, "avx2") == 0 ? CK_AVX2 : strcmp(name, "portable") == 0 ? CK_PORTABLE : CK_WIDEST;
}

// Floats between -1 and 1.
static void *allocate(size_t count) {
  void *memory = NULL;
  if (posix_memalign(&memory, 4096, (count + 16) * sizeof(float)) != 0) exit(1);
  uint32_t state = 1;
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    ((float *)memory)[i] = (float)(state >> 8) / 8388608.0f - 1;
  }
  return memory;
}

// A primitive of the library with its arguments, ready to run.
typedef struct {
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t arguments[4];
  int count;
} library_run;

static void add_argument(library_run *run, int index, const dnnl_memory_desc_t *layout, void *memory) {
  dnnl_exec_arg_t *argument = &run->arguments[run->count++];
  argument->arg = index;
  require(dnnl_memory_create(&argument->memory, layout, engine, memory));
}

static void run_library(const library_run *run) {
  require(dnnl_primitive_execute(run->primitive, stream, run->count, run->arguments));
  require(dnnl_stream_wait(stream));
}

static void free_library(library_run *run) {
  for (int i = 0; i < run->count; ++i) dnnl_memory_destroy(run->arguments[i].memory);
  dnnl_primitive_destroy(run->primitive);
}

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int compare(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static double median(double *times, int count) {
  qsort(times, (size_t)count, sizeof(double), compare);
  return times[count / 2];
}
