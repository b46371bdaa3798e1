#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/io/append_file.h"

namespace training {

using engine::Index;

/// An event file of TensorBoard: records one behind the other, each a protobuf message Event with its length
/// and their checksums (tensorboard/compat/proto/event.proto, and TFRecord's format).
class EventFile {
 public:
  /// Seconds since 1970.
  using Clock = std::function<double()>;
  static double now();

  /// Begins a file in the folder, later by name than all that are there: TensorBoard reads them in that
  /// order. Throws an Error naming it.
  explicit EventFile(const std::filesystem::path& folder, Clock clock = now);

  /// What a run that goes on writes first: TensorBoard drops all it has read from this step on, in this file
  /// or another.
  void start(Index step);
  void scalars(Index step, const std::vector<std::pair<std::string, double>>& values);
  /// How values are distributed; those that are not finite are left out.
  void histogram(Index step, const std::string& tag, std::span<const float> values);
  void sync() { file_.sync(); }

  /// Names of event files in the folder, in their order.
  static std::vector<std::string> in(const std::filesystem::path& folder);

 private:
  void append(const std::string& event);

  Clock clock_;
  engine::AppendFile file_;
};

/// An event as it is in the file.
std::string event_record(const std::string& event);

}  // namespace training
