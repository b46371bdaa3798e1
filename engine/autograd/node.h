#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/autograd/selection.h"

namespace engine {

/// Which inputs of an op want a gradient, and which part of each.
class Needs {
 public:
  explicit Needs(std::vector<const Selection*> want) : want_(std::move(want)) {}
  bool operator()(int input) const { return want_[static_cast<std::size_t>(input)] != nullptr; }
  /// The part of an input that is wanted: everything, unless the input is a parameter that trains in part.
  const Selection& part(int input) const { return *want_[static_cast<std::size_t>(input)]; }

 private:
  std::vector<const Selection*> want_;
};

/// A gradient: dense, shaped like its input, or packed to the part of the input that trains.
struct Grad {
  Grad() = default;
  Grad(Tensor dense) : value(std::move(dense)) {}
  static Grad packed(Tensor part) {
    Grad grad(std::move(part));
    grad.is_packed = true;
    return grad;
  }
  Tensor value;
  bool is_packed = false;
};

/// One gradient for each input; those nobody needs may stay empty.
using Grads = std::vector<Grad>;
/// The rule of an op: gradients of its inputs from the gradient `dy` of its output. A rule may write into dy
/// where nothing else shares its buffer.
using Backward = std::function<Grads(Tensor dy, const Needs& needs)>;

/// What a Parameter shares between its copies.
struct ParameterState {
  Tensor value;
  Selection trains;
  Tensor grad;                ///< packed to `trains`; empty when nothing has arrived
  std::uint64_t version = 0;  ///< grows when `trains` changes
};

/// One recorded op, or a parameter (`leaf`). Inputs hold no numbers, only the way back; what the rule reads,
/// it captured.
struct Node {
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  /// Frees the nodes that nothing else holds one after the other: a long graph never overflows the stack.
  ~Node();

  std::string_view op;
  std::uint64_t order = 0;
  std::vector<std::shared_ptr<Node>> inputs;
  Backward backward;
  std::function<Tensor()> again;  ///< computes the op's output once more, where that is cheap
  std::shared_ptr<ParameterState> leaf;
};

}  // namespace engine
