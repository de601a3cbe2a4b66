#include "CTransfer.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

// What of libcurl's binary interface is used. Its numbers have been the same since they were given out
// (https://curl.se/libcurl/abi.html).
typedef struct curl_slist curl_slist;
enum {
  OPTION_WRITE_DATA = 10001,
  OPTION_URL = 10002,
  OPTION_RANGE = 10007,
  OPTION_ERROR_BUFFER = 10010,
  OPTION_LOW_SPEED_LIMIT = 19,
  OPTION_LOW_SPEED_TIME = 20,
  OPTION_USER_AGENT = 10018,
  OPTION_HEADER_DATA = 10029,
  OPTION_NO_PROGRESS = 43,
  OPTION_FOLLOW_LOCATION = 52,
  OPTION_PROGRESS_DATA = 10057,
  OPTION_MAX_REDIRECTIONS = 68,
  OPTION_CONNECT_TIMEOUT = 78,
  OPTION_NO_SIGNAL = 99,
  OPTION_PROTOCOLS = 181,
  OPTION_REDIRECTION_PROTOCOLS = 182,
  OPTION_WRITE_FUNCTION = 20011,
  OPTION_HEADER_FUNCTION = 20079,
  OPTION_PROGRESS_FUNCTION = 20219,
  INFORMATION_RESPONSE_CODE = 0x200002,
  PROTOCOL_HTTP = 1,
  PROTOCOL_HTTPS = 2,
  GLOBAL_ALL = 3,
  ERROR_BUFFER_SIZE = 256,
};

static struct {
  int (*global_init)(long);
  void *(*easy_init)(void);
  int (*easy_setopt)(void *, int, ...);
  int (*easy_perform)(void *);
  int (*easy_getinfo)(void *, int, ...);
  const char *(*easy_strerror)(int);
  void (*easy_cleanup)(void *);
  int is_there;
} curl;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  static const char *const names[] = {
#ifdef __APPLE__
      "libcurl.4.dylib",
#else
      "libcurl.so.4", "libcurl-gnutls.so.4",
#endif
  };
  void *library = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++) {
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  }
  if (!library) return;
  *(void **)&curl.global_init = dlsym(library, "curl_global_init");
  *(void **)&curl.easy_init = dlsym(library, "curl_easy_init");
  *(void **)&curl.easy_setopt = dlsym(library, "curl_easy_setopt");
  *(void **)&curl.easy_perform = dlsym(library, "curl_easy_perform");
  *(void **)&curl.easy_getinfo = dlsym(library, "curl_easy_getinfo");
  *(void **)&curl.easy_strerror = dlsym(library, "curl_easy_strerror");
  *(void **)&curl.easy_cleanup = dlsym(library, "curl_easy_cleanup");
  curl.is_there = curl.global_init && curl.easy_init && curl.easy_setopt && curl.easy_perform &&
                  curl.easy_getinfo && curl.easy_strerror && curl.easy_cleanup &&
                  curl.global_init(GLOBAL_ALL) == 0;
}

typedef struct {
  const ctr_request *request;
  void *handle;
  // Bytes of the file that are there.
  int64_t count;
  // Where the answer says that it begins; -1 where it does not say.
  int64_t range_start;
  // What the file has in all, or 0.
  int64_t total;
  // Whether the body has begun.
  int has_begun;
  int went_on;
  ctr_status status;
  int error;
} transfer;

static long response_code(transfer *state) {
  long code = 0;
  curl.easy_getinfo(state->handle, INFORMATION_RESPONSE_CODE, &code);
  return code;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context) {
  transfer *state = context;
  char line[256];
  const size_t length = size * count < sizeof line - 1 ? size * count : sizeof line - 1;
  memcpy(line, bytes, length);
  line[length] = 0;
  long long start = 0, end = 0, total = 0;
  // A new answer, after a redirection.
  if (strncmp(line, "HTTP/", 5) == 0) {
    state->range_start = -1;
    state->total = 0;
  } else if (strncasecmp(line, "content-range:", 14) == 0) {
    const int fields = sscanf(line + 14, " bytes %lld-%lld/%lld", &start, &end, &total);
    if (fields >= 2) state->range_start = start;
    if (fields == 3) state->total = total;
  } else if (strncasecmp(line, "content-length:", 15) == 0 && state->total == 0 &&
             sscanf(line + 15, " %lld", &total) == 1) {
    state->total = total;
  }
  return size * count;
}

// Decides, at the first byte of the body, what it is of.
static ctr_status begin(transfer *state) {
  state->has_begun = 1;
  const long code = response_code(state);
  if (code == 206 && state->range_start == state->count && state->count > 0) {
    state->went_on = 1;
  } else if (code == 200) {
    // The whole, whether it was asked for or not.
    if (ftruncate(state->request->descriptor, 0) != 0) {
      state->error = errno;
      return CTR_NOT_WRITTEN;
    }
    state->count = 0;
  } else {
    return CTR_REFUSED;
  }
  return lseek(state->request->descriptor, state->count, SEEK_SET) < 0 ? CTR_NOT_WRITTEN : CTR_OK;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
  transfer *state = context;
  const size_t length = size * count;
  if (!state->has_begun) state->status = begin(state);
  if (state->status != CTR_OK) return 0;
  if ((int64_t)length > state->request->limit - state->count) {
    state->status = CTR_TOO_LONG;
    return 0;
  }
  size_t written = 0;
  while (written < length) {
    const ssize_t result = write(state->request->descriptor, bytes + written, length - written);
    if (result < 0 && errno == EINTR) continue;
    if (result <= 0) {
      state->status = CTR_NOT_WRITTEN;
      state->error = errno;
      return 0;
    }
    written += (size_t)result;
    state->count += result;
  }
  return length;
}

static int tell(void *context, int64_t total, int64_t now, int64_t up_total, int64_t up_now) {
  (void)total, (void)now, (void)up_total, (void)up_now;
  transfer *state = context;
  if (!state->request->proceed) return 0;
  const int64_t whole = response_code(state) == 200 || state->range_start >= 0 ? state->total : 0;
  if (state->request->proceed(state->request->context, state->count, whole)) return 0;
  state->status = CTR_STOPPED;
  return 1;
}

static ctr_status fail(ctr_result *result, ctr_status status, long number, const char *text) {
  result->number = number;
  strncpy(result->message, text ? text : "", CTR_MESSAGE_SIZE - 1);
  result->message[CTR_MESSAGE_SIZE - 1] = 0;
  return status;
}

ctr_status ctr_get(const ctr_request *request, ctr_result *result) {
  memset(result, 0, sizeof *result);
  pthread_once(&once, load);
  if (!curl.is_there) return fail(result, CTR_NO_LIBRARY, 0, "libcurl is not there");
  struct stat file;
  if (fstat(request->descriptor, &file) != 0) return fail(result, CTR_NOT_WRITTEN, errno, "");
  void *handle = curl.easy_init();
  if (!handle) return fail(result, CTR_FAILED, 0, "libcurl does not start");
  transfer state = {.request = request, .handle = handle, .count = file.st_size, .range_start = -1};
  char message[ERROR_BUFFER_SIZE] = "";
  const long protocols = PROTOCOL_HTTP | PROTOCOL_HTTPS;
  curl.easy_setopt(handle, OPTION_URL, request->address);
  curl.easy_setopt(handle, OPTION_PROTOCOLS, protocols);
  curl.easy_setopt(handle, OPTION_REDIRECTION_PROTOCOLS, protocols);
  curl.easy_setopt(handle, OPTION_FOLLOW_LOCATION, 1L);
  curl.easy_setopt(handle, OPTION_MAX_REDIRECTIONS, 8L);
  curl.easy_setopt(handle, OPTION_NO_SIGNAL, 1L);
  curl.easy_setopt(handle, OPTION_CONNECT_TIMEOUT, request->patience);
  curl.easy_setopt(handle, OPTION_LOW_SPEED_LIMIT, 1L);
  curl.easy_setopt(handle, OPTION_LOW_SPEED_TIME, request->patience);
  curl.easy_setopt(handle, OPTION_USER_AGENT, "convnet");
  curl.easy_setopt(handle, OPTION_ERROR_BUFFER, message);
  curl.easy_setopt(handle, OPTION_WRITE_FUNCTION, take_body);
  curl.easy_setopt(handle, OPTION_WRITE_DATA, &state);
  curl.easy_setopt(handle, OPTION_HEADER_FUNCTION, take_header);
  curl.easy_setopt(handle, OPTION_HEADER_DATA, &state);
  curl.easy_setopt(handle, OPTION_PROGRESS_FUNCTION, tell);
  curl.easy_setopt(handle, OPTION_PROGRESS_DATA, &state);
  curl.easy_setopt(handle, OPTION_NO_PROGRESS, 0L);
  // As a range, not as what libcurl calls resuming, by which it refuses a server that sends the whole.
  char range[32];
  snprintf(range, sizeof range, "%lld-", (long long)state.count);
  if (state.count > 0) curl.easy_setopt(handle, OPTION_RANGE, range);
  const int code = curl.easy_perform(handle);
  const long response = response_code(&state);
  result->went_on = state.went_on;
  ctr_status status = state.status;
  const int is_refused = code == 0 && response != 200 && response != 206;
  if (status == CTR_REFUSED || (status == CTR_OK && is_refused)) {
    status = fail(result, CTR_REFUSED, response, "");
  } else if (status == CTR_NOT_WRITTEN) {
    fail(result, status, state.error, "");
  } else if (status == CTR_OK && code != 0) {
    status = fail(result, CTR_FAILED, code, message[0] ? message : curl.easy_strerror(code));
  } else if (status == CTR_OK && !state.has_begun && response == 200 && state.count > 0) {
    // A whole file without a byte.
    if (ftruncate(request->descriptor, 0) != 0) status = fail(result, CTR_NOT_WRITTEN, errno, "");
  }
  curl.easy_cleanup(handle);
  return status;
}
