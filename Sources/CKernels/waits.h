#ifndef CONVNET_WAITS_H
#define CONVNET_WAITS_H

// Looks from time to time whether others want the processors, and has OpenMP's threads wait accordingly. Called before a run on
// so many threads.
void ck_look_at_waits(int threads);

#endif
