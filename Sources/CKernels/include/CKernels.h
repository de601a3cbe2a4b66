// The thread pool that our kernels share with oneDNN, and the loops that need wide vectors.
//
// Each kernel is compiled for several processors and dispatched at run time. Arrays do not overlap unless a comment says
// that they may be the same.
#ifndef CONVNET_CKERNELS_H
#define CONVNET_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Threads

// Processors that the calling thread may run on.
int ck_affine_processors(void);
// Starts a thread that nobody waits for, with a stack that suits the decoders of pictures. Returns 0 or the system's error
// number.
int ck_start_thread(void (*body)(void *context), void *context);
// Whether so many threads, the calling one among them, can be had at once.
bool ck_can_start_threads(int threads);
// Whether so many can be had beside those that there are.
bool ck_can_start_more_threads(int threads);
// Makes the calling thread's parallel regions, ours and oneDNN's, run on `threads` threads with denormals flushed to zero,
// and the calling thread flush them too until the end. Returns how its arithmetic was, which the end wants back.
uint64_t ck_begin_computing(int threads);
void ck_end_computing(uint64_t before);
// What decides whether the pool's threads, which wait for each other by spinning, shall soon sleep instead: zero at first.
typedef struct {
  double share;
  int quiet_looks;
  bool are_short;
} ck_wait_judge;
// Takes note for which share of its time a thread has waited for a processor. Returns whether waits are to be short.
bool ck_judge_waits(ck_wait_judge *judge, double share);
// Whether they are.
bool ck_waits_are_short(void);
// Calls `body(context, task)` for task 0 ..< tasks, on the pool.
void ck_parallel(int tasks, void (*body)(void *context, int task), void *context);

// Threads of their own for tasks that run side by side, each prepared for one thread. A run of `workers` + 1 tasks gives the
// first to the caller, and then what no thread has begun. Belongs to one thread at a time.
typedef struct ck_team ck_team;
ck_team *ck_team_create(int workers);
void ck_team_run(ck_team *team, int tasks, void (*body)(void *context, int task), void *context);
void ck_team_destroy(ck_team *team);

// The largest resident memory of the process so far, in bytes.
int64_t ck_peak_memory(void);

// MARK: Instructions
// Instructions that a kernel may use: AVX-512; AVX2 with fused multiply-adds; or what every processor of its kind has.
typedef enum { CK_WIDEST, CK_AVX2, CK_PORTABLE } ck_instructions;
// What the processor has, within the limit.
ck_instructions ck_usable_instructions(ck_instructions limit);
// Holds all loops to what the processor has within the limit, from the next call on; kernels that are told their instructions
// use those.
void ck_limit_instructions(ck_instructions limit);
// Those of the loops: all there are, where they were not limited.
ck_instructions ck_instructions_in_use(void);

// MARK: Peaks
// The most that `tasks` threads of the pool do in a second, all together, measured for some seconds.

// Multiplications, each with its addition, of floats in registers.
double ck_peak_multiply_adds(int tasks, double seconds);
// Bytes read, and bytes read and written in copying, of `byte_count` bytes that lie in memory; false where there is no such
// memory.
bool ck_peak_memory_rates(size_t byte_count, int tasks, double seconds, double *read, double *copied);

// MARK: Optimizers

// Each is one pass over a parameter and what is remembered of it. The formulas stand in Sources/Training/Optimizers.

// What a velocity is a sum of: steps, each with the rate of its time, or gradients, to be multiplied by the present rate.
typedef enum { CK_VELOCITY_OF_STEPS, CK_VELOCITY_OF_GRADIENTS } ck_velocity;

typedef struct {
  float rate, momentum, decay;
  ck_velocity velocity;
  // Whether the parameter looks one step of the velocity ahead (Nesterov).
  bool looks_ahead;
} ck_momentum;
void ck_momentum_step(float *weight, float *velocity, const float *gradient, size_t count, const ck_momentum *settings);

typedef struct {
  float rate, decay;
  // The weight of the old average of squares, and what is left in that of the value from which it began.
  float old_share, beginning;
  float momentum, epsilon;
  ck_velocity velocity;
  bool epsilon_inside;
} ck_rmsprop;
// No `mean`: not centred. No `velocity`: no momentum.
void ck_rmsprop_step(float *weight, float *squares, float *mean, float *velocity, const float *gradient, size_t count,
                     const ck_rmsprop *settings);

typedef struct {
  // The shares of the new gradient in the mean, and of its square in the mean of squares.
  float mean_share, square_share;
  // weight <- keep weight - rate mean / (root_factor sqrt(squares) + epsilon), with gradient + decay weight for the gradient.
  float keep, rate, root_factor, epsilon, decay;
} ck_adam;
void ck_adam_step(float *weight, float *mean, float *squares, const float *gradient, size_t count, const ck_adam *settings);

// average <- average + share (weight - average).
void ck_average_weights(float *average, const float *weight, size_t count, float share);
// sum <- sum + share gradient; where it is the last of a sum: gradient <- that, sum <- 0.
void ck_accumulate(float *sum, float *gradient, size_t count, float share, bool is_last);
// x <- factor x.
void ck_scale(float *x, size_t count, float factor);
// Each between -limit and limit; what is not a number stays so.
void ck_clamp(float *x, size_t count, float limit);
// Where the share of a task begins, of so many elements in equal shares of whole cache lines.
size_t ck_share_begin(size_t count, int task, int tasks);
// The sum of squares, accumulated in double precision.
double ck_sum_of_squares(const float *x, size_t count);
// Whether every element is finite.
bool ck_all_finite(const float *x, size_t count);

#include "CKernelsConvolutions.h"
#include "CKernelsOperations.h"
#include "CKernelsReductions.h"

#endif
