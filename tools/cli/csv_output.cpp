#include "tools/cli/csv_output.h"

#include <algorithm>
#include <cmath>

#include "data/table.h"
#include "engine/io/file.h"

namespace cli {
namespace {

std::string line_of(std::span<const std::string> fields) {
  std::string line;
  for (const std::string& field : fields) line += data::csv_field(field) + ',';
  line.pop_back();
  return line;
}

}  // namespace

CsvOutput::CsvOutput(const std::filesystem::path& path, std::span<const std::string> columns) {
  if (path.empty()) return;
  file_ = std::make_unique<engine::AtomicFile>(path);
  add(columns);
}

void CsvOutput::add(std::span<const std::string> fields) {
  if (!file_) return;
  const std::string line = line_of(fields) + '\n';
  file_->write(std::as_bytes(std::span(line)));
}

void CsvOutput::commit() {
  if (file_) file_->commit();
}

void check_replaces_csv(const std::filesystem::path& path, std::span<const std::string> columns) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored) || std::filesystem::file_size(path, ignored) == 0) return;
  const std::string wanted = line_of(columns);
  const engine::File file(path);
  std::string start(std::min<std::size_t>(file.size(), wanted.size()), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(start)));
  engine::check(start == wanted, path.string() + ": is there and is no CSV file that starts with",
                wanted + ", which this would be; remove it, or give another path");
}

std::vector<double> class_probabilities(std::span<const float> logits) {
  const float top = *std::ranges::max_element(logits);
  std::vector<double> p;
  double total = 0;
  for (float x : logits) p.push_back(std::exp(static_cast<double>(x - top)));
  std::ranges::for_each(p, [&](double v) { total += v; });
  for (double& v : p) v /= total;
  return p;
}

std::vector<std::string> output_names(std::vector<std::string> names, engine::Index outputs) {
  for (engine::Index i = std::ssize(names); i < outputs; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace cli
