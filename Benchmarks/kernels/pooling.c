// Our kernels for pooling beside oneDNN's, pool by pool, in turn:
//
//     make benchmark-pooling ARGUMENTS="forward 16 vgg"
//
// direction (forward, training, gradient), batch, what the pool's name must contain, and the threads. Channels lie in blocks of
// 16, or of 8 where ONEDNN_MAX_CPU_ISA=AVX2 holds the library to those. Prints microseconds and GB/s (what is read and written
// at least), medians.
#include "frame.h"

static const struct {
  const char *name;
  bool averages;
  int channels, extent, window, stride, padding, result;
} pools[] = {
    {"vgg-2x2s2-64@224", false, 64, 224, 2, 2, 0, 112},    {"vgg-2x2s2-128@112", false, 128, 112, 2, 2, 0, 56},
    {"vgg-2x2s2-256@56", false, 256, 56, 2, 2, 0, 28},     {"vgg-2x2s2-512@28", false, 512, 28, 2, 2, 0, 14},
    {"vgg-2x2s2-512@14", false, 512, 14, 2, 2, 0, 7},      {"resnet-3x3s2-64@112", false, 64, 112, 3, 2, 1, 56},
    {"googlenet-3x3s2-64@112", false, 64, 112, 3, 2, 0, 56}, {"googlenet-3x3s2-192@56", false, 192, 56, 3, 2, 0, 28},
    {"googlenet-3x3s2-480@28", false, 480, 28, 3, 2, 0, 14}, {"googlenet-3x3s2-832@14", false, 832, 14, 3, 2, 0, 7},
    {"googlenet-3x3s1-192@28", false, 192, 28, 3, 1, 1, 28}, {"googlenet-3x3s1-512@14", false, 512, 14, 3, 1, 1, 14},
    {"googlenet-3x3s1-832@7", false, 832, 7, 3, 1, 1, 7},  {"inception-3x3s2-64@147", false, 64, 147, 3, 2, 0, 73},
    {"inception-3x3s2-192@71", false, 192, 71, 3, 2, 0, 35}, {"inception-3x3s2-288@35", false, 288, 35, 3, 2, 0, 17},
    {"inception-mean-3x3s1-288@35", true, 288, 35, 3, 1, 1, 35}, {"inception-mean-3x3s1-768@17", true, 768, 17, 3, 1, 1, 17},
    {"inception-mean-3x3s1-2048@8", true, 2048, 8, 3, 1, 1, 8}, {"googlenet-mean-5x5s3-512@14", true, 512, 14, 5, 3, 0, 4},
    {"resnet-global-2048@7", true, 2048, 7, 7, 7, 0, 1},   {"googlenet-global-1024@7", true, 1024, 7, 7, 7, 0, 1},
    {"inception-global-2048@8", true, 2048, 8, 8, 8, 0, 1},
};

enum direction { FORWARD, TRAINING, GRADIENT };
enum { RUNS = 400 };

static void prepare(library_run *run, enum direction direction, size_t pool, const ck_pooling *p, float *x, float *y,
                    void *workspace) {
  const dnnl_dims_t in = {(dnnl_dim_t)p->batch, (dnnl_dim_t)p->channels, (dnnl_dim_t)p->down.in, (dnnl_dim_t)p->along.in};
  const dnnl_dims_t out = {(dnnl_dim_t)p->batch, (dnnl_dim_t)p->channels, (dnnl_dim_t)p->down.out,
                           (dnnl_dim_t)p->along.out};
  const dnnl_dim_t covered = ((dnnl_dim_t)p->down.out - 1) * (dnnl_dim_t)p->down.stride + (dnnl_dim_t)p->down.window;
  const dnnl_dim_t rest = covered - (dnnl_dim_t)(p->down.in + p->down.before), end = rest > 0 ? rest : 0;
  const dnnl_dims_t kernel = {(dnnl_dim_t)p->down.window, (dnnl_dim_t)p->down.window};
  const dnnl_dims_t strides = {(dnnl_dim_t)p->down.stride, (dnnl_dim_t)p->down.stride}, gaps = {0, 0};
  const dnnl_dims_t before = {(dnnl_dim_t)p->down.before, (dnnl_dim_t)p->down.before}, after = {end, end};
  const dnnl_format_tag_t tag = p->in.block == 16 ? dnnl_nChw16c : dnnl_nChw8c;
  const dnnl_alg_kind_t algorithm = pools[pool].averages ? dnnl_pooling_avg_exclude_padding : dnnl_pooling_max;
  dnnl_memory_desc_t x_layout, y_layout;
  require(dnnl_memory_desc_init_by_tag(&x_layout, 4, in, dnnl_f32, tag));
  require(dnnl_memory_desc_init_by_tag(&y_layout, 4, out, dnnl_f32, tag));
  dnnl_pooling_v2_desc_t forward, backward;
  dnnl_primitive_desc_t hint = NULL, description = NULL;
  require(dnnl_pooling_v2_forward_desc_init(&forward, direction == FORWARD ? dnnl_forward_inference : dnnl_forward_training,
                                            algorithm, &x_layout, &y_layout, strides, kernel, gaps, before, after));
  require(dnnl_primitive_desc_create(&hint, &forward, NULL, engine, NULL));
  description = hint;
  if (direction == GRADIENT) {
    require(dnnl_pooling_v2_backward_desc_init(&backward, algorithm, &x_layout, &y_layout, strides, kernel, gaps, before,
                                               after));
    require(dnnl_primitive_desc_create(&description, &backward, NULL, engine, hint));
  }
  require(dnnl_primitive_create(&run->primitive, description));
  add_argument(run, direction == GRADIENT ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, &x_layout, x);
  add_argument(run, direction == GRADIENT ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST, &y_layout, y);
  if (direction != FORWARD && algorithm == dnnl_pooling_max)
    add_argument(run, DNNL_ARG_WORKSPACE, dnnl_primitive_desc_query_md(description, dnnl_query_workspace_md, 0), workspace);
}

static void measure(enum direction direction, int batch, size_t pool, int threads) {
  const char *limit = getenv("ONEDNN_MAX_CPU_ISA");
  const size_t block = limit && strcmp(limit, "AVX2") == 0 ? 8 : 16;
  const size_t extent = (size_t)pools[pool].extent, result = (size_t)pools[pool].result;
  const size_t channels = (size_t)pools[pool].channels, padding = (size_t)pools[pool].padding;
  const ck_pooling_axis axis = {extent, result, (size_t)pools[pool].window, (size_t)pools[pool].stride, padding, padding};
  ck_pooling p = {.batch = (size_t)batch, .channels = channels, .down = axis, .along = axis, .counts_taps = true};
  p.in = (ck_picture_strides){channels * extent * extent, extent * extent * block, extent * block, block, block};
  p.out = p.places = (ck_picture_strides){channels * result * result, result * result * block, result * block, block, block};
  const size_t inputs = p.batch * p.in.example, outputs = p.batch * p.out.example;
  float *x = allocate(inputs), *y = allocate(outputs), *scratch = allocate(ck_pooling_scratch(&p) * (size_t)threads);
  void *places = allocate(outputs), *workspace = allocate(outputs);
  // Places that there are, for the gradients.
  ck_max_pool(&p, y, places, x, scratch, threads);
  library_run library = {0}, forward = {0};
  prepare(&library, direction, pool, &p, x, y, workspace);
  if (direction == GRADIENT) {
    prepare(&forward, TRAINING, pool, &p, x, y, workspace);
    run_library(&forward);
  }
  static double times[2][RUNS];
  int runs = 0;
  for (const double first = seconds(); runs < RUNS && (runs < 5 || seconds() - first < 0.3); ++runs)
    for (int kind = 0; kind < 2; ++kind) {
      const double start = seconds();
      if (!kind) {
        run_library(&library);
      } else if (pools[pool].averages) {
        if (direction == GRADIENT) ck_mean_pool_gradient(&p, x, y, scratch, threads);
        else ck_mean_pool(&p, y, x, scratch, threads);
      } else {
        if (direction == GRADIENT) ck_max_pool_gradient(&p, x, y, places, scratch, threads);
        else ck_max_pool(&p, y, direction == TRAINING ? places : NULL, x, scratch, threads);
      }
      times[kind][runs] = seconds() - start;
    }
  const double bytes = 4.0 * (double)(inputs + outputs) +
                       (direction == FORWARD || pools[pool].averages ? 0 : (double)outputs);
  const double theirs = median(times[0], runs), ours = median(times[1], runs);
  printf("%-28s %5d %10.1f %10.1f %8.1f %8.1f %8.2f\n", pools[pool].name, batch, 1e6 * theirs, 1e6 * ours,
         1e-9 * bytes / theirs, 1e-9 * bytes / ours, theirs / ours);
  fflush(stdout);
  free_library(&library);
  if (forward.count) free_library(&forward);
  free(x), free(y), free(scratch), free(places), free(workspace);
}

int main(int count, char **words) {
  const char *name = count > 1 ? words[1] : "forward", *filter = count > 3 ? words[3] : "";
  const int batch = count > 2 ? atoi(words[2]) : 16, threads = count > 4 ? atoi(words[4]) : ck_affine_processors();
  const enum direction direction = strcmp(name, "training") == 0   ? TRAINING
                                   : strcmp(name, "gradient") == 0 ? GRADIENT
                                                                   : FORWARD;
  if ((direction == FORWARD && strcmp(name, "forward") != 0) || batch < 1 || threads < 1) {
    fprintf(stderr, "usage: pooling [forward|training|gradient] [batch] [part of a pool's name] [threads]\n");
    return 2;
  }
  begin(threads);
  printf("%s, %d threads\n%-28s %5s %10s %10s %8s %8s %8s\n", name, threads, "pool", "batch", "oneDNN us", "ours us",
         "GB/s", "GB/s", "ratio");
  for (size_t pool = 0; pool < sizeof pools / sizeof *pools; ++pool)
    if (strstr(pools[pool].name, filter)) measure(direction, batch, pool, threads);
  return 0;
}
