#pragma once

#include <memory>

#include "engine/nn/module.h"
#include "engine/ops/linear.h"

namespace engine {

class Adaptable;
/// A layer as its adapter sees it: from input to output, without the adapter.
using Base = std::function<Tensor(const Tensor&)>;

/// Something trained around a layer: it sees the layer's input and the layer itself, and returns the new
/// output. Its parameters appear below the layer's under its own name: "blocks.0.attn.qkv.lora.a".
class Adapter : public Module {
 public:
  virtual std::string_view name() const = 0;
  virtual Tensor operator()(const Tensor& x, const Base& layer) = 0;
  /// Writes what it adds into the layer's own parameters, so that the adapter can go; false when it cannot.
  virtual bool merge_into(Adaptable& host) = 0;
};

/// A module with an input and an output of one tensor, and the only place where an adapter attaches.
class Adaptable : public Module {
 public:
  void attach(std::unique_ptr<Adapter> adapter) { adapter_ = std::move(adapter); }
  std::unique_ptr<Adapter> detach() { return std::move(adapter_); }
  Adapter* adapter() const { return adapter_.get(); }
  void parts(Parts& visit) final;

 protected:
  /// base(x), or what the adapter makes of both.
  Tensor adapted(const Tensor& x, const Base& base) { return adapter_ ? (*adapter_)(x, base) : base(x); }
  /// The parts without the adapter's.
  virtual void own_parts(Parts& visit) = 0;

 private:
  std::unique_ptr<Adapter> adapter_;
};

/// A module that is a function of one tensor.
class Layer : public Adaptable {
 public:
  Tensor operator()(const Tensor& x);
  /// residual + this(x), a residual branch, which is multiplied by what `scale` has before it is added. To
  /// the bits of those ops one by one.
  Tensor add_to(const Tensor& residual, const Tensor& x, const BranchScale& scale = {});

 protected:
  virtual Tensor forward(const Tensor& x) = 0;
  /// add_to() without an adapter and with a scale that is not trained; a layer that can do it in fewer passes
  /// over memory overrides it.
  virtual Tensor forward_add_to(const Tensor& residual, const Tensor& x, const BranchScale& scale);
};

/// residual + branch, which is multiplied by what `scale` has before it is added, op by op.
Tensor add_branch(const Tensor& residual, Tensor branch, const BranchScale& scale);

}  // namespace engine
