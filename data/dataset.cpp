#include "data/dataset.h"

#include <set>
#include <unordered_map>
#include <utility>

#include "data/spelling.h"
#include "engine/base/text.h"
#include "engine/io/sha256.h"

namespace data {
namespace {

class Concat : public Dataset {
 public:
  Concat(std::shared_ptr<const Dataset> a, std::shared_ptr<const Dataset> b)
      : a_(std::move(a)), b_(std::move(b)), first_(a_->size()) {}
  Index size() const override { return first_ + b_->size(); }
  std::string name(Index i) const override { return i < first_ ? a_->name(i) : b_->name(i - first_); }
  Index label(Index i) const override { return i < first_ ? a_->label(i) : b_->label(i - first_); }
  Image image(Index i) const override { return i < first_ ? a_->image(i) : b_->image(i - first_); }
  std::string file(Index i) const override { return i < first_ ? a_->file(i) : b_->file(i - first_); }
  std::string sha256(Index i) const override { return i < first_ ? a_->sha256(i) : b_->sha256(i - first_); }
  void check_there(Index i) const override {
    return i < first_ ? a_->check_there(i) : b_->check_there(i - first_);
  }

 private:
  std::shared_ptr<const Dataset> a_, b_;
  Index first_;
};

/// Some images of another data set.
class Some : public Dataset {
 public:
  Some(std::shared_ptr<const Dataset> all, std::vector<Index> at)
      : all_(std::move(all)), at_(std::move(at)) {}
  Index size() const override { return static_cast<Index>(at_.size()); }
  std::string name(Index i) const override { return all_->name(at(i)); }
  Index label(Index i) const override { return all_->label(at(i)); }
  Image image(Index i) const override { return all_->image(at(i)); }
  std::string file(Index i) const override { return all_->file(at(i)); }
  std::string sha256(Index i) const override { return all_->sha256(at(i)); }
  void check_there(Index i) const override { all_->check_there(at(i)); }

 private:
  Index at(Index i) const { return at_[static_cast<std::size_t>(i)]; }
  std::shared_ptr<const Dataset> all_;
  std::vector<Index> at_;
};

/// What tells two names apart that look alike.
std::string bytes_of(std::string_view name) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::vector<std::string> bytes;
  for (const char letter : name) {
    const auto byte = static_cast<unsigned char>(letter);
    bytes.push_back({digits[byte >> 4], digits[byte & 15]});
  }
  return engine::join(bytes, " ");
}

std::string hint_of(const LookingAlike& alike, std::string_view whose) {
  return engine::say(";", whose, alike.other,
                     "looks alike and is written in another normalisation of Unicode:", bytes_of(alike.other),
                     "there,", bytes_of(alike.name), "here; one of the two must be renamed");
}

}  // namespace

std::string Dataset::sha256(Index i) const {
  const Image pixels = image(i);
  engine::Sha256 hash;
  const std::string size = std::to_string(pixels.width) + ' ' + std::to_string(pixels.height) + ' ';
  hash.add(std::as_bytes(std::span(size)));
  hash.add(std::as_bytes(std::span(pixels.rgb)));
  return hash.hex();
}

std::shared_ptr<const Dataset> some_of(std::shared_ptr<const Dataset> all, std::vector<Index> places) {
  return std::make_shared<Some>(std::move(all), std::move(places));
}

std::shared_ptr<const Dataset> first_classes(std::shared_ptr<const Dataset> all, Index classes) {
  std::vector<Index> at;
  for (Index i = 0; i < all->size(); ++i) {
    if (all->label(i) < classes) at.push_back(i);
  }
  return some_of(std::move(all), std::move(at));
}

std::shared_ptr<const Dataset> concat(std::shared_ptr<const Dataset> a, std::shared_ptr<const Dataset> b) {
  return std::make_shared<Concat>(std::move(a), std::move(b));
}

std::string hint_of_spelling(std::span<const std::string> lacking, std::span<const std::string> classes,
                             std::string_view whose) {
  const auto alike = find_looking_alike(lacking, classes);
  return alike ? hint_of(*alike, whose) : std::string();
}

std::vector<Index> find_classes(std::string_view split, std::span<const std::string> names,
                                std::span<const std::string> classes) {
  std::unordered_map<std::string_view, Index> positions;
  for (std::size_t i = 0; i < classes.size(); ++i) positions.emplace(classes[i], static_cast<Index>(i));
  std::vector<Index> found;
  std::vector<std::string> lacking;
  for (const std::string& name : names) {
    const auto at = positions.find(name);
    if (at == positions.end())
      lacking.push_back(name);
    else
      found.push_back(at->second);
  }
  check(lacking.empty(), std::string(split) + ":", lacking.size(),
        lacking.size() == 1 ? "class that train lacks:" : "classes that train lacks:",
        engine::join(lacking, ", ") + hint_of_spelling(lacking, classes, "train's"));
  return found;
}

std::vector<std::string> united_classes(std::string_view split, std::span<const std::string> names,
                                        std::span<const std::string> classes) {
  const std::set<std::string_view> before(classes.begin(), classes.end());
  std::vector<std::string> lacking;
  for (const std::string& name : names) {
    if (!before.contains(name)) lacking.push_back(name);
  }
  if (const auto alike = find_looking_alike(lacking, classes))
    throw Error(engine::say(std::string(split) + ":", "class that train lacks:",
                            std::string(alike->name) + hint_of(*alike, "train's")));
  std::set<std::string> all(classes.begin(), classes.end());
  all.insert(lacking.begin(), lacking.end());
  return {all.begin(), all.end()};
}

void check_classes(std::string_view where, std::span<const std::string> classes) {
  check(classes.size() != 1, std::string(where) + ":",
        "only one class (" + (classes.empty() ? "" : classes[0]) + ");", "at least two are needed");
  check(!classes.empty(), std::string(where) + ":", "no classes; at least two are needed");
}

}  // namespace data
