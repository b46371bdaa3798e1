#pragma once

#include <gtest/gtest.h>

#include "engine/kernels/parallel.h"

namespace support {

/// Runs the tests of a program on one thread: with small models, and other programs on the machine, threads
/// would mostly wait for each other. Include it in one file of the program.
struct OneThread : ::testing::Environment {
  void SetUp() override { engine::kernels::set_threads(1); }
};
inline ::testing::Environment* const one_thread = ::testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace support
