#include "peft/method_info.h"
#include "peft/methods/by_name.h"
#include "peft/target.h"

namespace peft {
namespace {

class LastBlocks : public ByName {
 public:
  explicit LastBlocks(engine::Index count) : count_(count) {}
  void check_model(engine::Module& model) const override {
    const engine::Index blocks = engine::count_blocks(engine::parameters(model));
    engine::check(count_ <= blocks, "--blocks", count_, "is more than the", blocks, "blocks of the model");
  }

 protected:
  bool trains(const std::string& name, engine::Index blocks) const override {
    const engine::Role role = engine::role_of(name);
    return role.layer(blocks) > blocks - count_;
  }

 private:
  engine::Index count_;
};

}  // namespace

MethodInfo last_k() {
  return {"last-k",
          "the last blocks, the final norm and the head",
          "The last --blocks blocks and all that is behind them train: final norm, attention pool and head. "
          "The backward pass stops below them.",
          {{"blocks", "N", "1", "number of last blocks that train"}},
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<LastBlocks>(values.integer("blocks", 1));
          }};
}

}  // namespace peft
