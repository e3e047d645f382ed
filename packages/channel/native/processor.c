/* The processor that this thread runs on. */
#include "circuit.h"
#include <sched.h>

/* yieldProcessor(): whoever else wants this processor may have it first (sched_yield(2)). */
napi_value circuit_yield(napi_env env, napi_callback_info info) {
  if (!circuit_arguments(env, info, 0, NULL)) return circuit_misuse(env);
  sched_yield();
  return NULL;
}
