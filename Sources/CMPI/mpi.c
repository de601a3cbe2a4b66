#include "CMPI.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CONVNET_MPI

#include <limits.h>
#include <mpi.h>

bool cmpi_is_built(void) { return true; }

// Sums that go on beside other calls have their own messages: other calls may come between them at other places in each process.
static MPI_Comm beside = MPI_COMM_NULL;

bool cmpi_start(void) {
  int provided;
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS) return false;
  return provided >= MPI_THREAD_SERIALIZED && MPI_Comm_dup(MPI_COMM_WORLD, &beside) == MPI_SUCCESS;
}

void cmpi_finish(void) {
  if (beside != MPI_COMM_NULL) MPI_Comm_free(&beside);
  MPI_Finalize();
}

void cmpi_abort(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

int cmpi_rank(void) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

int cmpi_count(void) {
  int count = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  return count;
}

void cmpi_machine(char *name, size_t room) {
  char own[MPI_MAX_PROCESSOR_NAME] = "";
  int length = 0;
  MPI_Get_processor_name(own, &length);
  snprintf(name, room, "%s", own);
}

void cmpi_library(char *name, size_t room) {
  char own[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(own, &length);
  own[strcspn(own, ",\n")] = 0;
  snprintf(name, room, "%s", own);
}

// Counts of MPI are ints.
#define MOST ((size_t)1 << 28)

static bool sum(void *values, size_t count, size_t size, MPI_Datatype type) {
  for (size_t first = 0; first < count; first += MOST) {
    const size_t part = count - first < MOST ? count - first : MOST;
    if (MPI_Allreduce(MPI_IN_PLACE, (char *)values + first * size, (int)part, type, MPI_SUM, MPI_COMM_WORLD) !=
        MPI_SUCCESS)
      return false;
  }
  return true;
}

bool cmpi_sum_floats(float *values, size_t count) { return sum(values, count, sizeof *values, MPI_FLOAT); }

bool cmpi_sum_doubles(double *values, size_t count) { return sum(values, count, sizeof *values, MPI_DOUBLE); }

struct cmpi_sum {
  int requests;
  MPI_Request request[];
};

cmpi_sum *cmpi_start_sum(float *values, size_t count) {
  const size_t parts = count / MOST + 1;
  cmpi_sum *sum = malloc(sizeof *sum + parts * sizeof sum->request[0]);
  if (!sum) return NULL;
  sum->requests = 0;
  for (size_t first = 0; first < count; first += MOST) {
    const size_t part = count - first < MOST ? count - first : MOST;
    if (MPI_Iallreduce(MPI_IN_PLACE, values + first, (int)part, MPI_FLOAT, MPI_SUM, beside,
                       &sum->request[sum->requests]) != MPI_SUCCESS) {
      free(sum);
      return NULL;
    }
    sum->requests++;
  }
  return sum;
}

bool cmpi_advance_sum(cmpi_sum *sum, bool *is_done) {
  int done = 0;
  if (MPI_Testall(sum->requests, sum->request, &done, MPI_STATUSES_IGNORE) != MPI_SUCCESS) return false;
  *is_done = done;
  return true;
}

bool cmpi_wait_sum(cmpi_sum *sum) {
  return MPI_Waitall(sum->requests, sum->request, MPI_STATUSES_IGNORE) == MPI_SUCCESS;
}

void cmpi_free_sum(cmpi_sum *sum) { free(sum); }

bool cmpi_gather_counts(uint64_t own, uint64_t *all) {
  return MPI_Allgather(&own, 1, MPI_UINT64_T, all, 1, MPI_UINT64_T, MPI_COMM_WORLD) == MPI_SUCCESS;
}

// A part of one process after another, each of which may be larger than an int counts.
bool cmpi_gather(const void *own, const uint64_t *counts, void *all) {
  const int rank = cmpi_rank(), processes = cmpi_count();
  char *to = all;
  for (int process = 0; process < processes; ++process) {
    const uint64_t count = counts[process];
    if (process == rank && count > 0) memcpy(to, own, count);
    for (uint64_t first = 0; first < count; first += MOST) {
      const uint64_t part = count - first < MOST ? count - first : MOST;
      if (MPI_Bcast(to + first, (int)part, MPI_BYTE, process, MPI_COMM_WORLD) != MPI_SUCCESS) return false;
    }
    to += count;
  }
  return true;
}

#else

bool cmpi_is_built(void) { return false; }
bool cmpi_start(void) { return false; }
void cmpi_finish(void) {}
void cmpi_abort(int status) { (void)status; }
int cmpi_rank(void) { return 0; }
int cmpi_count(void) { return 1; }
void cmpi_machine(char *name, size_t room) { snprintf(name, room, "%s", ""); }
void cmpi_library(char *name, size_t room) { snprintf(name, room, "%s", ""); }
bool cmpi_sum_floats(float *values, size_t count) { return (void)values, (void)count, true; }
bool cmpi_sum_doubles(double *values, size_t count) { return (void)values, (void)count, true; }
cmpi_sum *cmpi_start_sum(float *values, size_t count) { return (void)values, (void)count, NULL; }
bool cmpi_advance_sum(cmpi_sum *sum, bool *is_done) { return (void)sum, *is_done = true; }
bool cmpi_wait_sum(cmpi_sum *sum) { return (void)sum, true; }
void cmpi_free_sum(cmpi_sum *sum) { (void)sum; }
bool cmpi_gather_counts(uint64_t own, uint64_t *all) { return *all = own, true; }
bool cmpi_gather(const void *own, const uint64_t *counts, void *all) {
  if (*counts > 0) memcpy(all, own, *counts);
  return true;
}

#endif
