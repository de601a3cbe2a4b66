// Our direct convolutions beside oneDNN's, layer by layer, in turn:
//
//     make benchmark-direct ARGUMENTS="forward 16 resnet avx2"
//
// direction (forward, input-gradient, weight-gradient), batch, what the layer's name must contain, and the widest instructions (avx512, avx2,
// portable) of our kernels; the library's are held by ONEDNN_MAX_CPU_ISA. Prints GFLOP/s, medians. Our gradient by the input
// includes the packing of the weights, as in training; the library's layouts are those that it chooses itself.
#include "frame.h"

static const struct {
  const char *name;
  int in, out, extent, kernel, stride, padding;
  bool is_depthwise;
} layers[] = {
    {"resnet-64-64@56", 64, 64, 56, 1, 1, 0},        {"resnet-64-256@56", 64, 256, 56, 1, 1, 0},
    {"resnet-256-64@56", 256, 64, 56, 1, 1, 0},      {"resnet-256-128@56", 256, 128, 56, 1, 1, 0},
    {"resnet-128-512@28", 128, 512, 28, 1, 1, 0},    {"resnet-512-128@28", 512, 128, 28, 1, 1, 0},
    {"resnet-256-1024@14", 256, 1024, 14, 1, 1, 0},  {"resnet-1024-256@14", 1024, 256, 14, 1, 1, 0},
    {"resnet-512-2048@7", 512, 2048, 7, 1, 1, 0},    {"resnet-2048-512@7", 2048, 512, 7, 1, 1, 0},
    {"resnet-256-512@56/2", 256, 512, 56, 1, 2, 0},  {"resnet-1024-2048@14/2", 1024, 2048, 14, 1, 2, 0},
    {"resnet-3x3-128@56/2", 128, 128, 56, 3, 2, 1},  {"resnet-3x3-256@28/2", 256, 256, 28, 3, 2, 1},
    {"resnet-3x3-512@14/2", 512, 512, 14, 3, 2, 1},  {"googlenet-480-192@14", 480, 192, 14, 1, 1, 0},
    {"googlenet-192-16@28", 192, 16, 28, 1, 1, 0},   {"googlenet-832-384@7", 832, 384, 7, 1, 1, 0},
    {"first-7x7/2@224", 3, 64, 224, 7, 2, 3},        {"first-11x11/4@224", 3, 64, 224, 11, 4, 2},
    {"first-3x3/2@299", 3, 32, 299, 3, 2, 0},        {"first-3x3@224", 3, 64, 224, 3, 1, 1},
    {"depthwise-3x3-32@112", 32, 32, 112, 3, 1, 1, true}, {"depthwise-3x3-96@112/2", 96, 96, 112, 3, 2, 1, true},
    {"depthwise-3x3-144@56", 144, 144, 56, 3, 1, 1, true}, {"depthwise-3x3-144@56/2", 144, 144, 56, 3, 2, 1, true},
    {"depthwise-3x3-384@14", 384, 384, 14, 3, 1, 1, true}, {"depthwise-3x3-960@7", 960, 960, 7, 3, 1, 1, true},
    {"depthwise-5x5-240@28", 240, 240, 28, 5, 1, 2, true}, {"depthwise-5x5-672@14/2", 672, 672, 14, 5, 2, 2, true},
    {"depthwise-5x5-1152@7", 1152, 1152, 7, 5, 1, 2, true}, {"depthwise-7x7-96@56", 96, 96, 56, 7, 1, 3, true},
    {"depthwise-7x7-384@14", 384, 384, 14, 7, 1, 3, true}, {"depthwise-7x7-768@7", 768, 768, 7, 7, 1, 3, true},
};

enum direction { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT };
enum { RUNS = 200 };

// The weights are in the library's own layout: their values do not matter for time.
static void prepare(library_run *run, enum direction direction, const ck_direct *d, float *bias, float *memory[3]) {
  const dnnl_dim_t n = (dnnl_dim_t)d->batch, in = (dnnl_dim_t)d->in_channels, out = (dnnl_dim_t)d->out_channels;
  const dnnl_dims_t x_extents = {n, in, (dnnl_dim_t)d->height, (dnnl_dim_t)d->width};
  const dnnl_dim_t groups = (dnnl_dim_t)d->groups, rows = (dnnl_dim_t)d->kernel_height, columns = (dnnl_dim_t)d->kernel_width;
  const dnnl_dims_t kernel = {out, in, rows, columns}, grouped = {groups, out / groups, in / groups, rows, columns};
  const dnnl_dims_t y_extents = {n, out, (dnnl_dim_t)d->out_height, (dnnl_dim_t)d->out_width}, features = {out};
  const dnnl_dims_t strides = {(dnnl_dim_t)d->stride_down, (dnnl_dim_t)d->stride_along};
  const dnnl_dims_t before = {(dnnl_dim_t)d->pad_top, (dnnl_dim_t)d->pad_left};
  dnnl_dims_t after;
  for (int i = 0; i < 2; ++i) {
    after[i] = (y_extents[2 + i] - 1) * strides[i] + kernel[2 + i] - before[i] - x_extents[2 + i];
    if (after[i] < 0) after[i] = 0;
  }
  dnnl_memory_desc_t x_layout, y_layout, any, bias_layout;
  require(dnnl_memory_desc_init_by_tag(&x_layout, 4, x_extents, dnnl_f32,
                                       d->in_channels == 3 ? dnnl_nchw : dnnl_format_tag_any));
  require(dnnl_memory_desc_init_by_tag(&y_layout, 4, y_extents, dnnl_f32, dnnl_format_tag_any));
  require(dnnl_memory_desc_init_by_tag(&any, groups > 1 ? 5 : 4, groups > 1 ? grouped : kernel, dnnl_f32, dnnl_format_tag_any));
  require(dnnl_memory_desc_init_by_tag(&bias_layout, 1, features, dnnl_f32, dnnl_a));
  dnnl_convolution_desc_t forward, backward;
  dnnl_primitive_desc_t description = NULL, hint = NULL;
  require(dnnl_convolution_forward_desc_init(&forward, direction == FORWARD ? dnnl_forward_inference : dnnl_forward_training,
                                             dnnl_convolution_direct, &x_layout, &any, &bias_layout, &y_layout, strides,
                                             before, after));
  require(dnnl_primitive_desc_create(&hint, &forward, NULL, engine, NULL));
  description = hint;
  if (direction != FORWARD) {
    require(direction == INPUT_GRADIENT
                ? dnnl_convolution_backward_data_desc_init(&backward, dnnl_convolution_direct, &x_layout, &any, &y_layout,
                                                           strides, before, after)
                : dnnl_convolution_backward_weights_desc_init(&backward, dnnl_convolution_direct, &x_layout, &any,
                                                              &bias_layout, &y_layout, strides, before, after));
    require(dnnl_primitive_desc_create(&description, &backward, NULL, engine, hint));
  }
  require(dnnl_primitive_create(&run->primitive, description));
  static const struct {
    dnnl_query_t query;
    int argument;
  } arguments[][3] = {
      {{dnnl_query_src_md, DNNL_ARG_SRC}, {dnnl_query_weights_md, DNNL_ARG_WEIGHTS}, {dnnl_query_dst_md, DNNL_ARG_DST}},
      {{dnnl_query_diff_src_md, DNNL_ARG_DIFF_SRC},
       {dnnl_query_weights_md, DNNL_ARG_WEIGHTS},
       {dnnl_query_diff_dst_md, DNNL_ARG_DIFF_DST}},
      {{dnnl_query_src_md, DNNL_ARG_SRC},
       {dnnl_query_diff_weights_md, DNNL_ARG_DIFF_WEIGHTS},
       {dnnl_query_diff_dst_md, DNNL_ARG_DIFF_DST}},
  };
  for (int i = 0; i < 3; ++i) {
    const dnnl_memory_desc_t *layout = dnnl_primitive_desc_query_md(description, arguments[direction][i].query, 0);
    memory[i] = allocate(dnnl_memory_desc_get_size(layout) / sizeof(float));
    add_argument(run, arguments[direction][i].argument, layout, memory[i]);
  }
  if (direction == FORWARD) add_argument(run, DNNL_ARG_BIAS, &bias_layout, bias);
  if (direction == WEIGHT_GRADIENT) add_argument(run, DNNL_ARG_DIFF_BIAS, &bias_layout, bias);
}

static void pack(const ck_direct *d, float *packed, const float *weights, bool transposes, int threads) {
  if (d->groups > 1)
    ck_depthwise_pack(d, packed, weights, transposes);
  else
    ck_direct_pack(d, packed, weights, transposes, threads);
}

static void measure(enum direction direction, int batch, size_t layer, int threads, ck_instructions instructions) {
  const size_t extent = (size_t)layers[layer].extent, kernel = (size_t)layers[layer].kernel;
  const size_t stride = (size_t)layers[layer].stride, padding = (size_t)layers[layer].padding;
  const size_t result = (extent + 2 * padding - kernel) / stride + 1;
  ck_direct d = {
      .batch = (size_t)batch, .groups = layers[layer].is_depthwise ? (size_t)layers[layer].in : 1,
      .in_channels = (size_t)layers[layer].in, .height = extent, .width = extent,
      .out_channels = (size_t)layers[layer].out, .out_height = result, .out_width = result, .kernel_height = kernel,
      .kernel_width = kernel, .stride_down = stride, .stride_along = stride, .dilation_down = 1, .dilation_along = 1,
      .pad_top = padding, .pad_left = padding, .instructions = instructions,
  };
  d.in_stride = d.in_channels * extent * extent, d.out_stride = d.out_channels * result * result;
  const bool transposes = direction == INPUT_GRADIENT;
  const bool is_depthwise = layers[layer].is_depthwise;
  if (is_depthwise ? !ck_depthwise_can_compute(&d, transposes) : !ck_direct_can_compute(&d, transposes)) return;
  float *x = allocate(d.batch * d.in_stride), *y = allocate(d.batch * d.out_stride), *bias = allocate(d.out_channels);
  float *weights = allocate(d.out_channels * d.in_channels / d.groups * kernel * kernel);
  float *packed = allocate((is_depthwise ? ck_depthwise_weights_size : ck_direct_weights_size)(&d, transposes));
  float *scratch = allocate(direction == WEIGHT_GRADIENT
                                ? (is_depthwise ? ck_depthwise_gradient_scratch : ck_direct_gradient_scratch)(&d, threads)
                                : (is_depthwise ? ck_depthwise_scratch : ck_direct_scratch)(&d, transposes, threads));
  float *memory[3] = {NULL};
  pack(&d, packed, weights, transposes, threads);
  library_run library = {0};
  prepare(&library, direction, &d, bias, memory);
  static double times[2][RUNS];
  int runs = 0;
  for (const double first = seconds(); runs < RUNS && (runs < 3 || seconds() - first < 0.5); ++runs)
    for (int kind = 0; kind < 2; ++kind) {
      const double start = seconds();
      if (kind == 0) {
        run_library(&library);
      } else if (direction == WEIGHT_GRADIENT) {
        (is_depthwise ? ck_depthwise_gradient : ck_direct_gradient)(&d, weights, bias, x, y, scratch, threads);
      } else if (transposes) {
        pack(&d, packed, weights, true, threads);
        (is_depthwise ? ck_depthwise_input_gradient : ck_direct_input_gradient)(&d, x, y, packed, scratch, threads);
      } else {
        (is_depthwise ? ck_depthwise_forward : ck_direct_forward)(&d, y, x, packed, bias, NULL, CK_RELU, scratch, threads);
      }
      times[kind][runs] = seconds() - start;
    }
  const double products = 2e-9 * (double)(kernel * kernel * d.in_channels / d.groups * d.batch * d.out_stride);
  const double bytes = 4e-9 * (double)(d.batch * (d.in_stride + d.out_stride));
  const double time = median(times[0], runs), our_time = median(times[1], runs);
  printf("%-26s %5d %8.0f %8.0f %8.2f %8.1f\n", layers[layer].name, batch, products / time, products / our_time, time / our_time,
         bytes / our_time);
  fflush(stdout);
  free_library(&library);
  for (int i = 0; i < 3; ++i) free(memory[i]);
  free(x), free(y), free(weights), free(bias), free(packed), free(scratch);
}

int main(int count, char **words) {
  const char *name = count > 1 ? words[1] : "forward";
  const enum direction direction = strcmp(name, "input-gradient") == 0    ? INPUT_GRADIENT
                                   : strcmp(name, "weight-gradient") == 0 ? WEIGHT_GRADIENT
                                                                          : FORWARD;
  const int batch = count > 2 ? atoi(words[2]) : 16, threads = count > 5 ? atoi(words[5]) : ck_affine_processors();
  const char *filter = count > 3 ? words[3] : "";
  const ck_instructions instructions = instructions_of(count > 4 ? words[4] : "avx512");
  begin(threads);
  printf("%-26s %5s %8s %8s %8s\n", name, "batch", "oneDNN", "ours", "ratio");
  for (size_t layer = 0; layer < sizeof layers / sizeof *layers; ++layer)
    if (strstr(layers[layer].name, filter)) measure(direction, batch, layer, threads, instructions);
  return 0;
}
