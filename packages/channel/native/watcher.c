#define _GNU_SOURCE
#include "circuit.h"
#include <errno.h>
#include <stdlib.h>
#include <uv.h>

/* A descriptor that is watched. It lives until it is closed and nobody in JavaScript knows it any more. */
typedef struct {
  uv_poll_t poll;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  int holders;
  int closing;
} watcher;

static void let_go(watcher *self) {
  if (--self->holders == 0) free(self);
}

static void closed(uv_handle_t *handle) {
  watcher *self = handle->data;
  if (self->hook != NULL) napi_remove_async_cleanup_hook(self->hook);
  let_go(self);
}

static void shut(watcher *self) {
  if (self->closing) return;
  self->closing = 1;
  uv_poll_stop(&self->poll);
  napi_delete_reference(self->env, self->callback);
  napi_async_destroy(self->env, self->context);
  uv_close((uv_handle_t *)&self->poll, closed);
}

static void environment_ends(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  shut(data);
}

static void forgotten(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  let_go(data);
}

static void polled(uv_poll_t *poll, int status, int events) {
  watcher *self = poll->data;
  napi_env env = self->env;
  napi_handle_scope scope;
  napi_value callback, global, argument, thrown;
  if (self->closing || napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (napi_get_reference_value(env, self->callback, &callback) == napi_ok &&
      napi_get_global(env, &global) == napi_ok) {
    argument = circuit_number(env, status < 0 ? status : events);
    if (napi_make_callback(env, self->context, global, callback, 1, &argument, NULL) == napi_pending_exception &&
        napi_get_and_clear_last_exception(env, &thrown) == napi_ok)
      napi_fatal_exception(env, thrown);
  }
  napi_close_handle_scope(env, scope);
}

/*
 * watch(fd, run, holds): calls `run` when the descriptor is ready for what `setEvents` asked for, and keeps the process alive as
 * long as it asks if `holds` is not 0.
 */
napi_value circuit_watch(napi_env env, napi_callback_info info) {
  napi_value args[3], name, result;
  int fd, holds;
  uv_loop_t *loop;
  napi_valuetype type;
  if (!circuit_arguments(env, info, 3, args) || !circuit_as_int(env, args[0], &fd) ||
      !circuit_as_int(env, args[2], &holds) || napi_typeof(env, args[1], &type) != napi_ok ||
      type != napi_function || napi_get_uv_event_loop(env, &loop) != napi_ok)
    return circuit_misuse(env);
  watcher *self = calloc(1, sizeof *self);
  if (self == NULL) return circuit_number(env, -ENOMEM);
  int code = uv_poll_init(loop, &self->poll, fd);
  if (code != 0) {
    free(self);
    return circuit_number(env, code);
  }
  self->env = env;
  self->poll.data = self;
  self->holders = 2;
  if (!holds) uv_unref((uv_handle_t *)&self->poll);
  napi_create_string_utf8(env, "circuit:descriptors", NAPI_AUTO_LENGTH, &name);
  napi_create_reference(env, args[1], 1, &self->callback);
  napi_async_init(env, NULL, name, &self->context);
  napi_add_async_cleanup_hook(env, environment_ends, self, &self->hook);
  if (napi_create_external(env, self, forgotten, NULL, &result) != napi_ok) {
    self->holders = 1;
    shut(self);
    return circuit_number(env, -ENOMEM);
  }
  return result;
}

static watcher *as_watcher(napi_env env, napi_value value) {
  napi_valuetype type;
  void *self = NULL;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return NULL;
  return napi_get_value_external(env, value, &self) == napi_ok ? self : NULL;
}

/* setEvents(watcher, events): 1 readable, 2 writable, 0 none. */
napi_value circuit_set_events(napi_env env, napi_callback_info info) {
  napi_value args[2];
  int events;
  if (!circuit_arguments(env, info, 2, args) || !circuit_as_int(env, args[1], &events)) return circuit_misuse(env);
  watcher *self = as_watcher(env, args[0]);
  if (self == NULL) return circuit_misuse(env);
  if (self->closing) return circuit_number(env, -EBADF);
  if (events == 0) return circuit_number(env, uv_poll_stop(&self->poll));
  return circuit_number(env, uv_poll_start(&self->poll, events & (UV_READABLE | UV_WRITABLE), polled));
}

/* unwatch(watcher): the descriptor may be closed afterwards. Twice is fine. */
napi_value circuit_unwatch(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!circuit_arguments(env, info, 1, args)) return circuit_misuse(env);
  watcher *self = as_watcher(env, args[0]);
  if (self == NULL) return circuit_misuse(env);
  shut(self);
  return NULL;
}
