// The only door to libcurl: brings a file from a server by HTTP. The library is looked for when it is needed, so that neither a
// build needs its headers, nor a command that brings nothing the time of loading it.
#pragma once

#include <stdint.h>

typedef enum {
  CTR_OK = 0,
  // libcurl is not installed.
  CTR_NO_LIBRARY,
  // The server answered with a status that is not 200 or 206.
  CTR_REFUSED,
  // More bytes than the limit.
  CTR_TOO_LONG,
  // The file cannot be written: `number` is errno.
  CTR_NOT_WRITTEN,
  // `proceed` said no.
  CTR_STOPPED,
  // Anything else: no such server, a broken connection. `number` is libcurl's.
  CTR_FAILED,
} ctr_status;

enum { CTR_MESSAGE_SIZE = 256 };

typedef struct {
  // Of HTTP, or of the failure; 0 for none.
  long number;
  // Whether what was there before was kept, and gone on with.
  int went_on;
  char message[CTR_MESSAGE_SIZE];
} ctr_result;

typedef struct {
  // http: or https:; whatever a server redirects to must be one of these too.
  const char *address;
  // Open for reading and writing. What it holds is the beginning of the file: the server is asked for the rest, and where it
  // sends the whole, that replaces it.
  int descriptor;
  // Bytes that the whole may have.
  int64_t limit;
  // Seconds without a byte after which it fails.
  long patience;
  // Told how many bytes of how many there are, 0 where that is not known; 0 ends it.
  int (*proceed)(void *context, int64_t count, int64_t total);
  void *context;
} ctr_request;

ctr_status ctr_get(const ctr_request *request, ctr_result *result);
