/* A C program on the installed runtime: opens a model and says so. */
#include "QuantOpt/Runtime/quant_opt_runtime.h"

#include <stdio.h>

int main(int argc, char **argv) {
  qopt_session *session = NULL;
  qopt_session_options options = {0};
  qopt_status status;
  options.struct_size = sizeof options;
  if (argc != 2)
    return 2;
  printf("runtime %s\n", qopt_version());
  status = qopt_session_open(argv[1], &options, &session);
  if (status != QOPT_OK) {
    printf("%s: %s\n", qopt_status_name(status), qopt_last_error());
    return 1;
  }
  printf("%s: opened\n", argv[1]);
  qopt_session_close(session);
  return 0;
}
