#pragma once

#include <utility>

#include "engine/base/check.h"

namespace training {

/// The program was called wrongly: exit status 2.
struct UsageError : engine::Error {
  using engine::Error::Error;
};

/// Runs `f` and turns the Errors it throws into UsageErrors: for options whose values are wrong.
template <class F>
decltype(auto) as_usage(F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const engine::Error& e) {
    throw UsageError(e.what());
  }
}

}  // namespace training
