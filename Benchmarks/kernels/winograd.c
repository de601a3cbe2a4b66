// Our kernels for Winograd's algorithm beside oneDNN's direct and Winograd kernels, layer by layer, in turn:
//
//     make benchmark-kernels ARGUMENTS="forward 16 vgg"
//
// direction (forward, input-gradient, weight-gradient), batch, what the layer's name must contain, and the widest instructions of
// our kernels (avx512, avx2, portable); the library's are held by ONEDNN_MAX_CPU_ISA. Prints GFLOP/s counted as direct, medians. Our gradient by the input includes the transformation of the weights, as in training.
#include "frame.h"

static const struct {
  const char *name;
  int in, out, extent, padding;
  int kernel_height, kernel_width;  // where nothing is said 3x3; others are padded so that the extent stays
} layers[] = {
    {"vgg-64-64@224", 64, 64, 224, 1},     {"vgg-64-128@112", 64, 128, 112, 1},   {"vgg-128-128@112", 128, 128, 112, 1},
    {"vgg-128-256@56", 128, 256, 56, 1},   {"vgg-256-256@56", 256, 256, 56, 1},   {"vgg-256-512@28", 256, 512, 28, 1},
    {"vgg-512-512@28", 512, 512, 28, 1},   {"vgg-512-512@14", 512, 512, 14, 1},   {"resnet-64-64@56", 64, 64, 56, 1},
    {"resnet-128-128@28", 128, 128, 28, 1}, {"resnet-256-256@14", 256, 256, 14, 1}, {"resnet-512-512@7", 512, 512, 7, 1},
    {"googlenet-64-192@56", 64, 192, 56, 1}, {"googlenet-96-128@28", 96, 128, 28, 1},
    {"googlenet-128-192@28", 128, 192, 28, 1}, {"googlenet-96-208@14", 96, 208, 14, 1},
    {"googlenet-112-224@14", 112, 224, 14, 1}, {"googlenet-128-256@14", 128, 256, 14, 1},
    {"googlenet-160-320@14", 160, 320, 14, 1}, {"googlenet-192-384@7", 192, 384, 7, 1},
    {"inception-32-64@147", 32, 64, 147, 1}, {"inception-80-192@73", 80, 192, 73, 0},
    {"inception-64-96@35", 64, 96, 35, 1}, {"inception-96-96@35", 96, 96, 35, 1},
    {"inception-448-384@8", 448, 384, 8, 1},
    {"alexnet-5x5-64-192@27", 64, 192, 27, 0, 5, 5}, {"inception-5x5-48-64@35", 48, 64, 35, 0, 5, 5},
    {"googlenet-5x5-32-96@28", 32, 96, 28, 0, 5, 5}, {"googlenet-5x5-32-128@14", 32, 128, 14, 0, 5, 5},
    {"googlenet-5x5-48-128@7", 48, 128, 7, 0, 5, 5},
    {"inception-1x7-128-128@17", 128, 128, 17, 0, 1, 7}, {"inception-7x1-128-192@17", 128, 192, 17, 0, 7, 1},
    {"inception-1x7-160-160@17", 160, 160, 17, 0, 1, 7}, {"inception-7x1-160-192@17", 160, 192, 17, 0, 7, 1},
    {"inception-1x7-192-192@17", 192, 192, 17, 0, 1, 7}, {"inception-7x1-192-192@17", 192, 192, 17, 0, 7, 1},
    {"inception-1x3-384-384@8", 384, 384, 8, 0, 1, 3}, {"inception-3x1-384-384@8", 384, 384, 8, 0, 3, 1},
};

enum direction { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT };
enum { RUNS = 200 };

// False where the library has no such kernel. The weights are in its own layout: their values do not matter for time.
static bool prepare(library_run *run, enum direction direction, dnnl_alg_kind_t algorithm, const ck_winograd *w, float *x,
                    float *y, float *bias, float **weights) {
  const dnnl_dim_t n = (dnnl_dim_t)w->batch, in = (dnnl_dim_t)w->in_channels, out = (dnnl_dim_t)w->out_channels;
  const dnnl_dims_t x_extents = {n, in, (dnnl_dim_t)w->height, (dnnl_dim_t)w->width};
  const dnnl_dims_t kernel = {out, in, (dnnl_dim_t)w->kernel_height, (dnnl_dim_t)w->kernel_width};
  const dnnl_dims_t y_extents = {n, out, (dnnl_dim_t)w->out_height, (dnnl_dim_t)w->out_width}, features = {out};
  const dnnl_dims_t strides = {1, 1}, padding = {(dnnl_dim_t)w->pad_top, (dnnl_dim_t)w->pad_left};
  dnnl_memory_desc_t x_layout, y_layout, any, bias_layout;
  require(dnnl_memory_desc_init_by_tag(&x_layout, 4, x_extents, dnnl_f32, dnnl_nChw16c));
  require(dnnl_memory_desc_init_by_tag(&y_layout, 4, y_extents, dnnl_f32, dnnl_nChw16c));
  require(dnnl_memory_desc_init_by_tag(&any, 4, kernel, dnnl_f32, dnnl_format_tag_any));
  require(dnnl_memory_desc_init_by_tag(&bias_layout, 1, features, dnnl_f32, dnnl_a));

  dnnl_convolution_desc_t forward, backward;
  dnnl_primitive_desc_t hint = NULL, description = NULL;
  const dnnl_prop_kind_t kind = direction == FORWARD ? dnnl_forward_inference : dnnl_forward_training;
  if (dnnl_convolution_forward_desc_init(&forward, kind, algorithm, &x_layout, &any, &bias_layout, &y_layout, strides,
                                         padding, padding) != dnnl_success ||
      dnnl_primitive_desc_create(&hint, &forward, NULL, engine, NULL) != dnnl_success)
    return false;
  if (direction == FORWARD) {
    description = hint;
  } else {
    const dnnl_status_t status =
        direction == INPUT_GRADIENT
            ? dnnl_convolution_backward_data_desc_init(&backward, algorithm, &x_layout, &any, &y_layout, strides, padding,
                                                       padding)
            : dnnl_convolution_backward_weights_desc_init(&backward, algorithm, &x_layout, &any, &bias_layout, &y_layout,
                                                          strides, padding, padding);
    if (status != dnnl_success ||
        dnnl_primitive_desc_create(&description, &backward, NULL, engine, hint) != dnnl_success)
      return false;
  }
  require(dnnl_primitive_create(&run->primitive, description));
  const bool is_gradient = direction == WEIGHT_GRADIENT;
  const dnnl_memory_desc_t *layout =
      dnnl_primitive_desc_query_md(description, is_gradient ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
  *weights = allocate(dnnl_memory_desc_get_size(layout) / sizeof(float));
  add_argument(run, direction == INPUT_GRADIENT ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, &x_layout, x);
  add_argument(run, is_gradient ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, layout, *weights);
  add_argument(run, direction == FORWARD ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, &y_layout, y);
  if (direction != INPUT_GRADIENT)
    add_argument(run, is_gradient ? DNNL_ARG_DIFF_BIAS : DNNL_ARG_BIAS, &bias_layout, bias);
  return true;
}

static void measure(enum direction direction, int batch, size_t layer, int threads, ck_instructions instructions) {
  const size_t in = (size_t)layers[layer].in, out = (size_t)layers[layer].out, extent = (size_t)layers[layer].extent;
  const bool is_default = !layers[layer].kernel_height;
  const size_t height = is_default ? 3 : (size_t)layers[layer].kernel_height;
  const size_t width = is_default ? 3 : (size_t)layers[layer].kernel_width;
  const size_t padding = (size_t)layers[layer].padding, result = is_default ? extent + 2 * padding - 2 : extent;
  const ck_winograd forward = {
      .batch = (size_t)batch, .in_channels = in, .height = extent, .width = extent,
      .out_channels = out, .out_height = result, .out_width = result,
      .kernel_height = height, .kernel_width = width,
      .pad_top = is_default ? padding : height / 2, .pad_left = is_default ? padding : width / 2,
      .in_stride = in * extent * extent, .out_stride = out * result * result, .instructions = instructions,
  };
  const ck_winograd transposed = ck_winograd_transposed(&forward);
  float *x = allocate(forward.batch * forward.in_stride), *y = allocate(forward.batch * forward.out_stride);
  float *weights = allocate(in * out * height * width), *bias = allocate(out);
  const bool transposes = direction == INPUT_GRADIENT;
  float *packed = allocate(ck_winograd_weights_size(transposes ? &transposed : &forward));
  float *scratch = allocate(direction == WEIGHT_GRADIENT
                                ? ck_winograd_gradient_scratch(&forward, threads)
                                : ck_winograd_forward_scratch(transposes ? &transposed : &forward, threads));
  ck_winograd_pack(transposes ? &transposed : &forward, packed, weights, transposes, threads);
  library_run library[2] = {0};
  float *library_weights[2] = {NULL, NULL};
  bool has[2];
  for (int kind = 0; kind < 2; ++kind)
    has[kind] = prepare(&library[kind], direction, kind ? dnnl_convolution_winograd : dnnl_convolution_direct, &forward, x, y,
                        bias, &library_weights[kind]);

  static double times[3][RUNS];
  int runs = 0;
  for (const double first = seconds(); runs < RUNS && (runs < 3 || seconds() - first < 0.5); ++runs)
    for (int kind = 0; kind < 3; ++kind) {
      const double start = seconds();
      if (kind < 2) {
        if (!has[kind]) continue;
        run_library(&library[kind]);
      } else if (direction == FORWARD) {
        ck_winograd_forward(&forward, y, x, packed, bias, NULL, false, scratch, threads);
      } else if (transposes) {
        ck_winograd_pack(&transposed, packed, weights, true, threads);
        ck_winograd_forward(&transposed, x, y, packed, NULL, NULL, false, scratch, threads);
      } else {
        ck_winograd_gradient(&forward, weights, bias, x, y, scratch, threads);
      }
      times[kind][runs] = seconds() - start;
    }
  double speed[3] = {0};
  for (int kind = 0; kind < 3; ++kind) {
    if (kind < 2 && !has[kind]) continue;
    speed[kind] = 2e-9 * (double)(height * width * forward.batch * in * forward.out_stride) / median(times[kind], runs);
  }
  const double best = speed[0] > speed[1] ? speed[0] : speed[1];
  printf("%-26s %5d %8.0f %9.0f %8.0f %8.2f\n", layers[layer].name, batch, speed[0], speed[1], speed[2],
         best > 0 ? speed[2] / best : 0);
  fflush(stdout);
  for (int kind = 0; kind < 2; ++kind) {
    if (!has[kind]) continue;
    free_library(&library[kind]);
    free(library_weights[kind]);
  }
  free(x), free(y), free(weights), free(bias), free(packed), free(scratch);
}

int main(int count, char **words) {
  const char *name = count > 1 ? words[1] : "forward", *filter = count > 3 ? words[3] : "";
  const int batch = count > 2 ? atoi(words[2]) : 16, threads = ck_affine_processors();
  const enum direction direction = strcmp(name, "forward") == 0          ? FORWARD
                                   : strcmp(name, "input-gradient") == 0 ? INPUT_GRADIENT
                                                                         : WEIGHT_GRADIENT;
  if ((direction == WEIGHT_GRADIENT && strcmp(name, "weight-gradient") != 0) || batch < 1) {
    fprintf(stderr, "usage: winograd [forward|input-gradient|weight-gradient] [batch] [part of a layer's name] [instructions]\n");
    return 2;
  }
  begin(threads);
  printf("%s, %d threads, GFLOP/s\n%-26s %5s %8s %9s %8s %8s\n", name, threads, "layer", "batch", "direct", "winograd",
         "ours", "ratio");
  for (size_t layer = 0; layer < sizeof layers / sizeof *layers; ++layer)
    if (strstr(layers[layer].name, filter)) measure(direction, batch, layer, threads, instructions_of(count > 4 ? words[4] : "avx512"));
  return 0;
}
