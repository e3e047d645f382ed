/* What the files of the native part share. */
#ifndef CIRCUIT_NATIVE_H
#define CIRCUIT_NATIVE_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stddef.h>

/* descriptors.c: arguments and answers. A call that does not fit throws; what the system refuses is a number below zero, -errno. */
napi_value circuit_number(napi_env env, int value);
napi_value circuit_misuse(napi_env env);
int circuit_arguments(napi_env env, napi_callback_info info, size_t want, napi_value *args);
int circuit_as_int(napi_env env, napi_value value, int *result);

/*
 * belongings.c: the descriptors that this environment (the main thread's or a worker's) has made or received and not given away.
 * A worker that is terminated runs no more JavaScript that could close them.
 */
int circuit_belongings_begin(napi_env env);
/* Answers with the descriptor, or with -ENOMEM, and then it is closed. */
int circuit_keep(napi_env env, int fd);
napi_value circuit_close(napi_env env, napi_callback_info info);
napi_value circuit_release(napi_env env, napi_callback_info info);

/* watcher.c: descriptors that the event loop watches. */
napi_value circuit_watch(napi_env env, napi_callback_info info);
napi_value circuit_set_events(napi_env env, napi_callback_info info);
napi_value circuit_unwatch(napi_env env, napi_callback_info info);

/* processor.c: waiting awake. */
napi_value circuit_yield(napi_env env, napi_callback_info info);

#endif
