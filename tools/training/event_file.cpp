#include "tools/training/event_file.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "engine/base/text.h"
#include "engine/io/crc32c.h"
#include "engine/io/protobuf.h"

namespace training {

using engine::ProtobufMessage;
namespace fs = std::filesystem;

namespace {

// Field numbers of tensorboard/compat/proto/event.proto and summary.proto, by message.
namespace event_proto {
enum { wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7 };
}
namespace session_log_proto {
enum { status = 1 };
enum { start = 1 };
}  // namespace session_log_proto
namespace summary_proto {
enum { value = 1, tag = 1, simple_value = 2, histogram = 5 };
}
namespace histogram_proto {
enum { min = 1, max = 2, num = 3, sum = 4, sum_squares = 5, bucket_limit = 6, bucket = 7 };
}

// TensorBoard shows every file with "tfevents" in its name. Others put the host's name and a process at its
// end; whoever gets the folder of a run need not know on which machine it was made.
constexpr const char *kBegins = "events.out.tfevents.", *kEnds = ".espalier";

/// Where the numbers in the names are: those of a clock, or one more than the last file's.
Index number_of(const std::string& name) {
  const std::string_view rest = std::string_view(name).substr(std::string_view(kBegins).size());
  try {
    return engine::parse_integer(rest.substr(0, rest.find('.')), name);
  } catch (const engine::Error&) {
    return 0;
  }
}

fs::path next_file(const fs::path& folder, double time) {
  auto number = static_cast<Index>(time);
  for (const std::string& name : EventFile::in(folder)) number = std::max(number, number_of(name) + 1);
  return folder / (kBegins + std::to_string(number) + kEnds);
}

/// The bytes of a whole number, the lowest first.
template <class T>
std::string bytes_of(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}

/// TFRecord's: a checksum of bytes that hold a checksum would be a weak one.
std::uint32_t masked_crc32c(std::string_view bytes) {
  constexpr std::uint32_t kMask = 0xa282ead8;
  const std::uint32_t crc = engine::crc32c(bytes);
  return (crc >> 15 | crc << 17) + kMask;
}

/// The number of TensorFlow's bucket for a value; buckets grow by a tenth from 1e-12 on, and are mirrored
/// below zero, where their numbers are negative.
int bucket_of(double value) {
  constexpr double kFirst = 1e-12, kGrowth = 1.1;
  if (std::abs(value) < kFirst) return 0;
  const int place = 1 + static_cast<int>(std::log(std::abs(value) / kFirst) / std::log(kGrowth));
  return value > 0 ? place : -place;
}

/// The upper end of a bucket.
double limit_of(int bucket) {
  constexpr double kFirst = 1e-12, kGrowth = 1.1;
  return bucket >= 0 ? kFirst * std::pow(kGrowth, bucket) : -kFirst * std::pow(kGrowth, -bucket - 1);
}

ProtobufMessage histogram_of(std::span<const float> values) {
  double least = INFINITY, most = -INFINITY, count = 0, sum = 0, squares = 0;
  std::map<int, double> filled;
  for (const float v : values) {
    const auto value = static_cast<double>(v);
    if (!std::isfinite(value)) continue;
    least = std::min(least, value), most = std::max(most, value);
    ++count, sum += value, squares += value * value;
    ++filled[bucket_of(value)];
  }
  std::vector<double> limits, counts;
  if (!filled.empty()) {
    for (int i = filled.begin()->first; i <= filled.rbegin()->first; ++i) {
      limits.push_back(limit_of(i));
      counts.push_back(filled.contains(i) ? filled[i] : 0);
    }
  } else {
    least = most = 0;
    limits = {0}, counts = {0};  // a histogram without limits cannot be read
  }
  ProtobufMessage m;
  m.floating(histogram_proto::min, least);
  m.floating(histogram_proto::max, most);
  m.floating(histogram_proto::num, count);
  m.floating(histogram_proto::sum, sum);
  m.floating(histogram_proto::sum_squares, squares);
  m.packed(histogram_proto::bucket_limit, limits);
  m.packed(histogram_proto::bucket, counts);
  return m;
}

/// An event at a time and a step.
ProtobufMessage event_at(double time, Index step) {
  ProtobufMessage m;
  m.floating(event_proto::wall_time, time);
  if (step != 0) m.integer(event_proto::step, step);
  return m;
}

}  // namespace

std::string event_record(const std::string& event) {
  const std::string length = bytes_of<std::uint64_t>(event.size());
  return length + bytes_of(masked_crc32c(length)) + event + bytes_of(masked_crc32c(event));
}

double EventFile::now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::vector<std::string> EventFile::in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored), end; !ignored && it != end; it.increment(ignored)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(kBegins) && name.ends_with(kEnds)) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

EventFile::EventFile(const fs::path& folder, Clock clock)
    : clock_(std::move(clock)), file_(next_file(folder, clock_())) {
  ProtobufMessage m = event_at(clock_(), 0);
  m.text(event_proto::file_version, "brain.Event:2");
  append(m.bytes());
}

void EventFile::append(const std::string& event) {
  file_.append(event_record(event));
}

void EventFile::start(Index step) {
  ProtobufMessage m = event_at(clock_(), step), log;
  log.integer(session_log_proto::status, session_log_proto::start);
  m.message(event_proto::session_log, std::move(log));
  append(m.bytes());
}

void EventFile::scalars(Index step, const std::vector<std::pair<std::string, double>>& values) {
  ProtobufMessage m = event_at(clock_(), step), summary;
  for (const auto& [tag, number] : values) {
    ProtobufMessage value;
    value.text(summary_proto::tag, tag);
    value.floating(summary_proto::simple_value, static_cast<float>(number));
    summary.message(summary_proto::value, std::move(value));
  }
  m.message(event_proto::summary, std::move(summary));
  append(m.bytes());
}

void EventFile::histogram(Index step, const std::string& tag, std::span<const float> values) {
  ProtobufMessage m = event_at(clock_(), step), summary, value;
  value.text(summary_proto::tag, tag);
  value.message(summary_proto::histogram, histogram_of(values));
  summary.message(summary_proto::value, std::move(value));
  m.message(event_proto::summary, std::move(summary));
  append(m.bytes());
}

}  // namespace training
