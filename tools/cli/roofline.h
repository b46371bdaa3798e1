#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/op_timer.h"

namespace cli {

using engine::Index;

/// What the machine can do, measured: nothing exceeds the lower of the two.
struct Roof {
  double gflops = 0;  ///< in registers
  double gb_s = 0;    ///< of memory
};

/// A pass, by the ops in it.
struct ProfiledPass {
  double seconds = 0;
  Index multiply_adds = 0;
  std::vector<engine::OpRow> rows;
};

/// Where the time of a pass goes, as an array of objects, one for each kind of op and shape, longest first:
///
///   kind             "linear dX"; "recompute ..." of what the forward pass did not keep
///   shape            [m, n, k] of a product, [images, heads, queries, keys, width] of attention, [rows,
///                    columns] of a loop over values; empty where it has none
///   calls            in a pass
///   seconds, share   of all calls without the ops inside them; of the whole pass
///   multiply_adds, gflops, peak_share
///   mb, gb_s, bandwidth_share      operands and results, each counted once
///
/// The last, "everything else", is what the pass did besides, so that seconds and multiply_adds add up to the
/// pass. That pass is the one whose time is the median of `passes`; of an even number the mean of the two in
/// the middle.
nlohmann::ordered_json roofline(std::vector<ProfiledPass> passes, const Roof& roof);

/// The same as a table for people.
std::string roofline_table(const nlohmann::ordered_json& rows);

}  // namespace cli
