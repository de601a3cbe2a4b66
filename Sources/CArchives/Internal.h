#pragma once

#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "CArchives.h"

static inline ca_status ca_fail(ca_status status, char *message, const char *text) {
  snprintf(message, CA_MESSAGE_SIZE, "%s", text);
  return status;
}

static inline ca_status ca_fail_zip(ca_status status, char *message, zip_error_t *error) {
  if (zip_error_code_zip(error) == ZIP_ER_MEMORY) status = CA_OUT_OF_MEMORY;
  return ca_fail(status, message, zip_error_strerror(error));
}
