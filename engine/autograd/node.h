#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/autograd/gradient_form.h"

namespace engine {

/// What is wanted of the gradient of one input of an op. For an untracked input both are null.
struct Wanted {
  const Selection* part = nullptr;
  const GradientForm* form = nullptr;
};

/// Which inputs of an op want a gradient, and what of it.
class Needs {
 public:
  explicit Needs(std::vector<Wanted> wanted) : wanted_(std::move(wanted)) {}
  bool operator()(int input) const { return at(input).part != nullptr; }
  /// The part of an input whose gradient is wanted: everything, unless the input is a parameter that trains
  /// in part.
  const Selection& part(int input) const { return *at(input).part; }
  /// The form in which the gradient of an input is accumulated. A rule may ignore it and return the whole
  /// gradient, or the part.
  const GradientForm& form(int input) const { return *at(input).form; }

 private:
  const Wanted& at(int input) const { return wanted_[static_cast<std::size_t>(input)]; }
  std::vector<Wanted> wanted_;
};

/// A gradient: dense, shaped like its input, or packed: already in the form that is accumulated.
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
  GradientForm form;          ///< another than the default only where nothing trains
  Tensor grad;                ///< in that form; empty when nothing has arrived
  std::uint64_t version = 0;  ///< grows when `trains` or `form` changes

  /// True when a gradient is accumulated: when a part trains or the gradient is observed.
  bool accumulates() const { return trains.any() || !form.follows_selection(); }
};

/// One recorded op, or a parameter (`leaf`). Inputs hold no values, only the way back; what the rule reads,
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

/// What backward() wants of the gradient of an input, given its node: nothing of an untracked one (nullptr).
Wanted wanted(const Node* input);

}  // namespace engine
