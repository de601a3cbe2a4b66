#include "internal.h"

#include <stdio.h>

static cdnn_desc *allocate_desc(void) { return calloc(1, sizeof(cdnn_desc)); }

static int finish_desc(cdnn_desc **out, cdnn_desc *desc, dnnl_status_t status) {
  if (status != dnnl_success) {
    free(desc);
    desc = NULL;
  }
  *out = desc;
  return status;
}

// Every array here has room for so many axes, and the library's for as many.
_Static_assert(CDNN_MAX_RANK <= DNNL_MAX_NDIMS, "more axes than the library has room for");

static bool has_room_for(int rank) { return rank >= 1 && rank <= CDNN_MAX_RANK; }

int cdnn_desc_create(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type, const int64_t *strides) {
  *out = NULL;
  if (!has_room_for(rank)) return dnnl_invalid_arguments;
  int64_t row_major[CDNN_MAX_RANK];
  if (!strides) {
    int64_t stride = 1;
    for (int axis = rank - 1; axis >= 0; --axis) {
      row_major[axis] = stride;
      if (__builtin_mul_overflow(stride, dims[axis], &stride)) return dnnl_invalid_arguments;
    }
    strides = row_major;
  }
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
#if VERSION_3
  dnnl_status_t status = dnnl_memory_desc_create_with_strides(&desc->md, rank, dims, cdnn_data_type(type), strides);
#else
  dnnl_status_t status = dnnl_memory_desc_init_by_strides(&desc->md, rank, dims, cdnn_data_type(type), strides);
#endif
  return finish_desc(out, desc, status);
}

static int create_tagged(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type, dnnl_format_tag_t tag) {
  *out = NULL;
  if (!has_room_for(rank)) return dnnl_invalid_arguments;
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
#if VERSION_3
  return finish_desc(out, desc, dnnl_memory_desc_create_with_tag(&desc->md, rank, dims, cdnn_data_type(type), tag));
#else
  return finish_desc(out, desc, dnnl_memory_desc_init_by_tag(&desc->md, rank, dims, cdnn_data_type(type), tag));
#endif
}

int cdnn_desc_create_any(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type) {
  return create_tagged(out, rank, dims, type, dnnl_format_tag_any);
}

cdnn_desc *cdnn_copy_of(md_pointer md) {
  if (!md) return NULL;
  cdnn_desc *desc = allocate_desc();
  if (!desc) return NULL;
#if VERSION_3
  if (dnnl_memory_desc_clone(&desc->md, md) != dnnl_success) {
    free(desc);
    return NULL;
  }
#else
  desc->md = *md;
#endif
  return desc;
}

int cdnn_desc_copy(cdnn_desc **out, const cdnn_desc *desc) {
  *out = cdnn_copy_of(pointer_to(desc));
  return *out ? dnnl_success : dnnl_out_of_memory;
}

int cdnn_rank(const cdnn_desc *desc) {
  int rank = 0;
#if VERSION_3
  dnnl_memory_desc_query(desc->md, dnnl_query_ndims_s32, &rank);
#else
  rank = desc->md.ndims;
#endif
  return rank;
}

int cdnn_desc_create_part(cdnn_desc **out, const cdnn_desc *parent, int rank, const int64_t *dims,
                          const int64_t *offsets) {
  *out = NULL;
  if (rank != cdnn_rank(parent)) return dnnl_invalid_arguments;
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
#if VERSION_3
  dnnl_status_t status = dnnl_memory_desc_create_submemory(&desc->md, parent->md, dims, offsets);
#else
  dnnl_status_t status = dnnl_memory_desc_init_submemory(&desc->md, &parent->md, dims, offsets);
#endif
  return finish_desc(out, desc, status);
}

int cdnn_desc_reshape(cdnn_desc **out, const cdnn_desc *from, int rank, const int64_t *dims) {
  *out = NULL;
  if (!has_room_for(rank)) return dnnl_invalid_arguments;
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
  return finish_desc(out, desc, dnnl_memory_desc_reshape(&desc->md, pointer_to(from), rank, dims));
}

int cdnn_desc_permute(cdnn_desc **out, const cdnn_desc *from, int rank, const int *permutation) {
  *out = NULL;
  if (rank != cdnn_rank(from)) return dnnl_invalid_arguments;
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
  return finish_desc(out, desc, dnnl_memory_desc_permute_axes(&desc->md, pointer_to(from), permutation));
}

void cdnn_desc_destroy(cdnn_desc *desc) {
  if (!desc) return;
#if VERSION_3
  dnnl_memory_desc_destroy(desc->md);
#endif
  free(desc);
}

bool cdnn_desc_equal(const cdnn_desc *left, const cdnn_desc *right) {
  return dnnl_memory_desc_equal(pointer_to(left), pointer_to(right)) != 0;
}

size_t cdnn_desc_byte_count(const cdnn_desc *desc) { return dnnl_memory_desc_get_size(pointer_to(desc)); }

typedef struct {
  int rank, blocks;
  bool is_blocked;
  int64_t offset;  // of the first element, in elements
  dnnl_dims_t dims, padded, strides, block_extents, block_axes;
} layout;

static layout layout_of(const cdnn_desc *desc) {
  layout result = {.rank = cdnn_rank(desc)};
#if VERSION_3
  md_pointer md = desc->md;
  const dnnl_dims_t *dims;
  dnnl_format_kind_t kind;
  dnnl_memory_desc_query(md, dnnl_query_format_kind, &kind);
  result.is_blocked = kind == dnnl_blocked;
  if (!result.is_blocked) return result;
  dnnl_memory_desc_query(md, dnnl_query_inner_nblks_s32, &result.blocks);
  dnnl_memory_desc_query(md, dnnl_query_submemory_offset_s64, &result.offset);
  dnnl_memory_desc_query(md, dnnl_query_dims, &dims);
  memcpy(result.dims, *dims, sizeof *dims);
  dnnl_memory_desc_query(md, dnnl_query_padded_dims, &dims);
  memcpy(result.padded, *dims, sizeof *dims);
  dnnl_memory_desc_query(md, dnnl_query_strides, &dims);
  memcpy(result.strides, *dims, sizeof *dims);
  if (result.blocks) {
    dnnl_memory_desc_query(md, dnnl_query_inner_blks, &dims);
    memcpy(result.block_extents, *dims, sizeof *dims);
    dnnl_memory_desc_query(md, dnnl_query_inner_idxs, &dims);
    memcpy(result.block_axes, *dims, sizeof *dims);
  }
#else
  const dnnl_memory_desc_t *md = &desc->md;
  result.is_blocked = md->format_kind == dnnl_blocked;
  if (!result.is_blocked) return result;
  result.blocks = md->format_desc.blocking.inner_nblks;
  result.offset = md->offset0;
  memcpy(result.dims, md->dims, sizeof md->dims);
  memcpy(result.padded, md->padded_dims, sizeof md->padded_dims);
  memcpy(result.strides, md->format_desc.blocking.strides, sizeof result.strides);
  memcpy(result.block_extents, md->format_desc.blocking.inner_blks, sizeof result.block_extents);
  memcpy(result.block_axes, md->format_desc.blocking.inner_idxs, sizeof result.block_axes);
#endif
  return result;
}

static dnnl_data_type_t type_of(const cdnn_desc *desc) {
#if VERSION_3
  dnnl_data_type_t type = dnnl_data_type_undef;
  dnnl_memory_desc_query(desc->md, dnnl_query_data_type, &type);
  return type;
#else
  return desc->md.data_type;
#endif
}

size_t cdnn_desc_content_byte_count(const cdnn_desc *desc) {
  layout l = layout_of(desc);
  if (!l.is_blocked) return cdnn_desc_byte_count(desc);
  size_t count = dnnl_data_type_size(type_of(desc));
  for (int axis = 0; axis < l.rank; ++axis) count *= (size_t)l.padded[axis];
  return count;
}

void cdnn_desc_text(const cdnn_desc *desc, char *text, size_t capacity) {
  if (!capacity) return;
  layout l = layout_of(desc);
  if (!l.is_blocked) {
    snprintf(text, capacity, "opaque");
    return;
  }
  bool blocked[CDNN_MAX_RANK] = {false};
  for (int i = 0; i < l.blocks; ++i) blocked[l.block_axes[i]] = true;
  int order[CDNN_MAX_RANK];
  for (int axis = 0; axis < l.rank; ++axis) {
    int place = axis;  // insertion by decreasing stride; axes of equal stride keep their order
    for (; place > 0 && l.strides[order[place - 1]] < l.strides[axis]; --place) order[place] = order[place - 1];
    order[place] = axis;
  }
  size_t used = 0;
  for (int i = 0; i < l.rank && used + 1 < capacity; ++i)
    text[used++] = (char)((blocked[order[i]] ? 'A' : 'a') + order[i]);
  text[used] = 0;
  for (int i = 0; i < l.blocks && used + 1 < capacity; ++i)
    used += (size_t)snprintf(text + used, capacity - used, "%lld%c", (long long)l.block_extents[i],
                             (char)('a' + l.block_axes[i]));
}

bool cdnn_desc_plain_strides(const cdnn_desc *desc, int rank, int64_t *strides) {
  layout l = layout_of(desc);
  if (!l.is_blocked || l.blocks || l.rank != rank) return false;
  for (int axis = 0; axis < l.rank; ++axis) {
    if (l.padded[axis] != l.dims[axis]) return false;
    strides[axis] = l.strides[axis];
  }
  return true;
}

bool cdnn_desc_channel_strides(const cdnn_desc *desc, int rank, int64_t *strides, int64_t *block) {
  layout l = layout_of(desc);
  if (!l.is_blocked || l.rank != rank || l.offset || l.blocks > 1 || (l.blocks == 1 && l.block_axes[0] != 1)) return false;
  *block = l.blocks ? l.block_extents[0] : 1;
  for (int axis = 0; axis < l.rank; ++axis) {
    const int64_t whole = axis == 1 ? (l.dims[axis] + *block - 1) / *block * *block : l.dims[axis];
    if (l.padded[axis] != whole) return false;
    strides[axis] = l.strides[axis];
  }
  return true;
}

int cdnn_desc_create_blocked(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type) {
  *out = NULL;
  if (rank != 4) return dnnl_invalid_arguments;
  return create_tagged(out, rank, dims, type, dnnl_aBcd16b);
}

static bool have_equal_orders(const layout *left, const cdnn_desc *desc) {
  layout right = layout_of(desc);
  if (!right.is_blocked || left->blocks != right.blocks) return false;
  for (int i = 0; i < left->blocks; ++i)
    if (left->block_extents[i] != right.block_extents[i] || left->block_axes[i] != right.block_axes[i]) return false;
  for (int axis = 0; axis < left->rank; ++axis) {
    if (left->padded[axis] != right.padded[axis]) return false;
    if (left->padded[axis] > 1 && left->strides[axis] != right.strides[axis]) return false;
  }
  return true;
}

int cdnn_desc_create_like(cdnn_desc **out, const cdnn_desc *like, int rank, const int64_t *dims, cdnn_type type) {
  static const struct {
    int rank;
    dnnl_format_tag_t tag;
  } tags[] = {
      {4, dnnl_aBcd16b}, {4, dnnl_aBcd8b}, {4, dnnl_aBcd4b}, {4, dnnl_acdb}, {4, dnnl_abcd}, {3, dnnl_aBc16b},
      {3, dnnl_aBc8b},   {3, dnnl_aBc4b},  {3, dnnl_acb},    {3, dnnl_abc},  {2, dnnl_ab},
  };
  *out = NULL;
  if (!has_room_for(rank)) return dnnl_invalid_arguments;
  layout l = layout_of(like);
  if (!l.is_blocked || l.rank != rank) return dnnl_unimplemented;
  // Orders are compared by where elements lie: their strides do not tell the place of an axis of one element.
  for (size_t i = 0; i < sizeof tags / sizeof *tags; ++i) {
    cdnn_desc *tagged = NULL;
    if (tags[i].rank != rank || create_tagged(&tagged, rank, l.dims, CDNN_F32, tags[i].tag)) continue;
    const bool is_same = have_equal_orders(&l, tagged);
    cdnn_desc_destroy(tagged);
    if (is_same) return create_tagged(out, rank, dims, type, tags[i].tag);
  }
  return dnnl_unimplemented;
}
