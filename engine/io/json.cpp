#include "engine/io/json.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/file.h"
#include "engine/io/json_events.h"

namespace engine {
namespace {

/// Builds the value from the parse events. A key is appended without a look at those before, which would
/// take quadratic time: parse_json_events() has seen that none comes twice.
class Builder final : public JsonEvents {
 public:
  explicit Builder(std::size_t most_values) : most_values_(most_values) {}
  Json take() { return std::move(root_); }

  void open_object() override { open_.push_back(&add(Json::object())); }
  void open_array() override { open_.push_back(&add(Json::array())); }
  void key(std::string_view key) override { key_ = key; }
  void value(const Value& value) override {
    std::visit([this](const auto& v) { add(Json(v)); }, value);
  }
  void close() override { open_.pop_back(); }

 private:
  Json& add(Json value) {
    check(++values_ <= most_values_, "more than", most_values_, "values in all");
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return open_.back()->back();
    }
    auto& members = open_.back()->get_ref<Json::object_t&>();
    members.emplace_back(key_, std::move(value));
    return members.back().second;
  }

  Json root_;
  std::vector<Json*> open_;  // objects and arrays, each inside the one before
  std::string key_;          // of the value that comes next
  std::size_t values_ = 0, most_values_;
};

Json parse(std::string_view text, std::string_view what, std::size_t most_values) {
  Builder builder(most_values);
  try {
    parse_json_events(text, builder);
  } catch (const Error& error) {
    throw Error(say(std::string(what) + ":", error.what()));
  }
  return builder.take();
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what) {
  return parse(text, what, kMaxJsonValues);
}

Json read_json(const std::filesystem::path& path, std::size_t most_values) {
  return parse(read_file(path, kMaxJsonFile), path.string(), most_values);
}

}  // namespace engine
