// Processes that `mpirun` started: the few calls of MPI that training needs. Without the trait MPI none of it is there.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Whether this was compiled with MPI.
bool cmpi_is_built(void);
// Joins the other processes; calls may come from any thread, one at a time. False where MPI cannot be started.
bool cmpi_start(void);
// Waits for the others, and leaves.
void cmpi_finish(void);
// Ends all processes at once.
void cmpi_abort(int status);

int cmpi_rank(void);
int cmpi_count(void);
// The machine's name, at most `room` bytes with the zero that ends it.
void cmpi_machine(char *name, size_t room);
// The library and its version, in a line.
void cmpi_library(char *name, size_t room);

// Replaces numbers by their sums over all processes. False where the library reports a failure.
bool cmpi_sum_floats(float *values, size_t count);
bool cmpi_sum_doubles(double *values, size_t count);

// A sum over all processes that goes on beside other work.
typedef struct cmpi_sum cmpi_sum;
// Begins to replace numbers by their sums; null where the library reports a failure. All begin theirs in the same order.
cmpi_sum *cmpi_start_sum(float *values, size_t count);
// Has a sum go on, which the library does in calls alone. False where it reports a failure.
bool cmpi_advance_sum(cmpi_sum *sum, bool *is_done);
bool cmpi_wait_sum(cmpi_sum *sum);
// Forgets a sum that is done.
void cmpi_free_sum(cmpi_sum *sum);

// The byte counts of all processes, of this one's.
bool cmpi_gather_counts(uint64_t own, uint64_t *all);
// The bytes of all processes one behind the other, of counts as the call above tells them.
bool cmpi_gather(const void *own, const uint64_t *counts, void *all);

#ifdef __cplusplus
}
#endif
