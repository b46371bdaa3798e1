#include "models/names.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>

#include "engine/io/in_quotes.h"
#include "engine/nn/roles.h"
#include "models/dialects/translator.h"

namespace models {

using engine::Dtype;
using engine::Index;
using engine::NamedTensors;
using engine::Shape;
using engine::Tensor;

namespace {

/// Tensors one below the other: [rows, in] each to [sum of rows, in].
Tensor stack(const std::vector<Tensor>& parts) {
  std::vector<Index> dims = parts.at(0).shape().dims();
  dims[0] = 0;
  for (const Tensor& part : parts) dims[0] += part.shape()[0];
  Tensor all = Tensor::uninitialized(Shape(std::move(dims)), parts[0].dtype());
  std::size_t at = 0;
  for (const Tensor& part : parts) {
    std::memcpy(all.raw() + at, part.raw(), part.bytes());
    at += part.bytes();
  }
  return all;
}

/// Queries, keys and values one below the other: [width, in] three times to [3 * width, in]; in f32 where
/// their types differ.
Tensor join(const std::string& name, std::array<Tensor, 3> thirds) {
  bool same = true;
  for (const Tensor& third : thirds) {
    engine::check(third.defined() && third.shape() == thirds[0].shape(),
                  name + ": query, key and value are not three tensors of one shape");
    const bool whole_numbers = third.dtype() == Dtype::i64 || third.dtype() == Dtype::u8;
    engine::check(third.dtype() == thirds[0].dtype() || !whole_numbers,
                  name + ": query, key and value are not of one type");
    same = same && third.dtype() == thirds[0].dtype();
  }
  if (!same) {
    for (Tensor& third : thirds) third = third.to(Dtype::f32);
  }
  const Shape& shape = thirds[0].shape();
  engine::check(shape.rank() > 0, name + ": query, key and value are single values");
  Index rows = 0;
  engine::check(!__builtin_mul_overflow(shape[0], 3, &rows), name + ": three times", shape,
                "is too large to count");
  return stack({thirds[0], thirds[1], thirds[2]});
}

/// A third of the rows of what holds queries, keys and values, or the last two.
Tensor rows_of(const std::string& name, const Tensor& all, Index begin, Index end) {
  engine::check(all.shape().rank() > 0 && all.shape()[0] % 3 == 0, name + ":", all.shape(),
                "should be as many rows of queries as of keys and values");
  const Index rows = all.shape()[0] / 3;
  return all.slice(rows * begin, rows * end);
}

Tensor with_axes(const Tensor& tensor, int rank) {
  std::vector<Index> dims = tensor.shape().dims();
  while (static_cast<int>(dims.size()) < rank) dims.insert(dims.begin(), 1);
  while (static_cast<int>(dims.size()) > rank && dims[0] == 1) dims.erase(dims.begin());
  return tensor.reshaped(Shape(std::move(dims)));
}

/// Which third of the model's tensor a file's is; -1 for another fit.
int third_of(Fit fit) {
  return fit == Fit::query ? 0 : fit == Fit::key ? 1 : fit == Fit::value ? 2 : -1;
}

bool is_head(const Place& place) {
  return place.fit == Fit::whole && engine::in_head(place.timm);
}

/// Whether the file has a classifier under the dialect's own names.
bool has_head(const Layout& layout, const Translator& translate, const NamedTensors& state) {
  return std::ranges::any_of(state, [&](const auto& entry) {
    const auto places = part_beside(layout, entry.first) ? std::vector<Place>() : translate(entry.first);
    return !places.empty() && is_head(places[0]);
  });
}

/// Where each name goes, and that no two go to one place.
class Places {
 public:
  void take(const Place& place, const std::string& name) {
    const auto [before, is_new] = taken_.emplace(std::pair(place.timm, third_of(place.fit)), name);
    engine::check(is_new, "two tensors are", engine::in_quotes(place.timm) + ":",
                  engine::in_quotes(before->second), "and", engine::in_quotes(name));
  }

 private:
  std::map<std::pair<std::string, int>, std::string> taken_;
};

/// The one norm at the end of a dialect that does not say in its name whether it stands before the pooling
/// or behind it.
bool is_norm_at_end(const Dialect& dialect, const std::string& timm) {
  return &dialect != &kTimm && timm.starts_with("norm.");
}

}  // namespace

TimmNames read_names(const NamedTensors& state, bool with_head, const Facts& facts) {
  const std::optional<Layout> layout = find_layout(state);
  if (!layout) return {.tensors = state, .left_out = {}};
  const Dialect& dialect = *layout->dialect;
  const Translator translate(*layout, state);
  TimmNames names{.tensors = {},
                  .left_out = {},
                  .torchvision = &dialect == &kTorchvision,
                  .resampling = dialect.resampling};
  const std::string unread = dialect.unread_by_average;
  const bool by_average = !unread.empty() && (facts.pooling ? *facts.pooling == Pooling::average
                                                            : has_head(*layout, translate, state));
  if (by_average) names.pooling = Pooling::average;
  std::map<std::string, std::array<Tensor, 3>> thirds;
  std::set<std::string> left_out;
  Places taken;
  for (const auto& [name, tensor] : state) {
    if (const auto part = part_beside(*layout, name)) {
      left_out.insert(*part);
      continue;
    }
    const std::string bare = layout->bare(name);
    const std::vector<Place> places = translate(name);
    const bool head = like_head(places.empty() ? bare : places[0].timm);
    if (!with_head && head) continue;
    for (const Place& place : places)
      if (place.fit != Fit::unread) taken.take(place, name);
    engine::check(name.starts_with(layout->prefix) || head, "the names of the model's tensors begin with",
                  engine::in_quotes(layout->prefix) + ", but not that of", engine::in_quotes(name));
    if (places.empty()) names.tensors.emplace_back(name, tensor);
    for (Place place : places) {
      const bool not_read = by_average && place.timm.starts_with(unread);
      if (place.fit == Fit::unread || not_read) {
        if (!place.timm.empty()) left_out.insert(layout->prefix + bare.substr(0, bare.find('.')));
        continue;
      }
      if (is_norm_at_end(dialect, place.timm) && facts.pooled_norm.value_or(false))
        place.timm = "fc_" + place.timm;
      if (place.timm == engine::kRegistersName && tensor.numel() == 0) continue;  // none, in DINOv3
      if (place.timm == engine::kRegistersName && dialect.resampling_with_registers)
        names.resampling = *dialect.resampling_with_registers;
      if (const int third = third_of(place.fit); third >= 0)
        thirds[place.timm][static_cast<std::size_t>(third)] = tensor;
      else if (place.fit == Fit::packed_query)
        names.tensors.emplace_back(place.timm, rows_of(name, tensor, 0, 1));
      else if (place.fit == Fit::packed_keys)
        names.tensors.emplace_back(place.timm, rows_of(name, tensor, 1, 3));
      else if (place.fit == Fit::three_axes)
        names.tensors.emplace_back(place.timm, with_axes(tensor, 3));
      else
        names.tensors.emplace_back(place.timm, tensor);
    }
  }
  for (const auto& [name, parts] : thirds) names.tensors.emplace_back(name, join(name, parts));
  names.left_out.assign(left_out.begin(), left_out.end());
  return names;
}

NamedTensors to_timm_names(const NamedTensors& state) {
  return read_names(state).tensors;
}

namespace {

/// What a file has of the model's tensors in its places.
Tensor composed(const std::string& name, const Tensor& like, const std::vector<Place>& places,
                const std::vector<Tensor>& parts) {
  switch (places[0].fit) {
    case Fit::query:
    case Fit::key:
    case Fit::value: {
      const Index third = third_of(places[0].fit);
      return rows_of(name, parts[0], third, third + 1);
    }
    case Fit::packed_query:
      return stack(parts);
    case Fit::three_axes:
      return with_axes(parts[0], like.shape().rank());
    case Fit::in_every_block:
      for (const Tensor& part : parts)
        engine::check(
            part.bytes() == parts[0].bytes() && std::memcmp(part.raw(), parts[0].raw(), part.bytes()) == 0,
            engine::in_quotes(name),
            "is one tensor for all blocks, but here they differ in it: the "
            "names of that checkpoint cannot hold them");
      return parts[0];
    default:
      return parts[0];
  }
}

/// The name of a head's tensor that the checkpoint did not have.
std::string name_of_new(const Layout& layout, const std::string& timm, bool two_heads) {
  const Dialect& dialect = *layout.dialect;
  const bool distillation = timm.starts_with("head_dist.");
  const std::string head = distillation                               ? dialect.distillation_head
                           : two_heads && *dialect.token_head != '\0' ? dialect.token_head
                                                                      : dialect.head;
  const std::string before = layout.before_head();
  if (&dialect == &kTimm) return before + timm;
  engine::check(timm.starts_with("head") && !head.empty(), "the names of that checkpoint have none for",
                engine::in_quotes(timm));
  return before + head + timm.substr(timm.find('.') + 1);
}

}  // namespace

NamedTensors to_names_of(const NamedTensors& timm, const NamedTensors& like) {
  const std::optional<Layout> layout = find_layout(like);
  if (!layout) return timm;
  const Translator translate(*layout, like);
  const std::map<std::string, Tensor> all(timm.begin(), timm.end());
  std::map<std::string, Tensor> left = all;
  NamedTensors renamed;
  for (const auto& [name, tensor] : like) {
    if (part_beside(*layout, name)) {
      renamed.emplace_back(name, tensor);
      continue;
    }
    std::vector<Place> places = translate(name);
    std::vector<Tensor> parts;
    for (Place& place : places) {
      if (is_norm_at_end(*layout->dialect, place.timm) && !all.contains(place.timm))
        place.timm = "fc_" + place.timm;
      const auto found = all.find(place.timm);
      if (found != all.end()) parts.push_back(found->second);
    }
    if (parts.empty() || parts.size() != places.size()) {
      if (!like_head(places.empty() ? layout->bare(name) : places[0].timm))
        renamed.emplace_back(name, tensor);
      continue;
    }
    renamed.emplace_back(name, composed(name, tensor, places, parts));
    for (const Place& place : places) left.erase(place.timm);
  }
  const bool two_heads =
      std::ranges::any_of(left, [](const auto& entry) { return entry.first.starts_with("head_dist."); });
  for (const auto& [name, tensor] : left) renamed.emplace_back(name_of_new(*layout, name, two_heads), tensor);
  return renamed;
}

}  // namespace models
