#include "peft/account.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "models/zoo.h"
#include "tests/peft/small.h"

namespace {

using engine::Index;
using models::Vit;
using peft::Account;

/// ViT-B/16 prepared by a method for `classes` classes; nothing is scored.
class VitBase {
 public:
  void prepare(const std::string& method, const std::map<std::string, std::string>& options) {
    peft::make_method(method, options)->prepare(model_, nullptr);
  }
  Account account(Index classes) {
    model_.replace_head(classes);  // the head trains as a whole under every method
    return peft::account(model_);
  }

 private:
  Vit model_{models::architecture("vit_base_patch16_224")};
};

// Classes of CUB, NABirds, Flowers, Dogs and Cars, and of the 19 tasks of VTAB.
constexpr std::array<Index, 5> kFgvc{200, 555, 102, 120, 196};
constexpr std::array<Index, 19> kVtab{100, 102, 47, 102, 37, 10, 397, 2,  10, 45,
                                      5,   8,   6,  6,   4,  16, 16,  18, 9};

TEST(account, gives_grft_the_shares_its_paper_prints) {
  VitBase base;
  base.prepare("grft", {{"k", "2"}});
  double vtab = 0;
  for (const Index classes : kVtab) vtab += base.account(classes).percent() / kVtab.size();
  EXPECT_NEAR(vtab, 0.3037, 5e-5);  // the paper prints 0.30

  double fgvc = 0;
  constexpr std::array ks{"2", "20", "1", "1", "15"};
  for (std::size_t i = 0; i < ks.size(); ++i) {
    base.prepare("grft", {{"k", ks[i]}});
    fgvc += base.account(kFgvc[i]).percent() / kFgvc.size();
  }
  EXPECT_NEAR(fgvc, 1.2186, 5e-5);  // the paper prints 1.22
}

TEST(account, counts_vit_base_by_hand) {
  // Parameters per unit: a row has as many as the matrix has columns, and the other way round.
  constexpr Index kShort = 111'360, kRows = 65'280, kColumns = 83'712, kBiases = 83'712;
  constexpr Index kBackbone = 85'798'656, kHead = 769 * 10;
  VitBase base;
  const auto trainable = [&](const std::string& method, const std::map<std::string, std::string>& options) {
    base.prepare(method, options);
    const Account account = base.account(10);
    EXPECT_EQ(account.total, kBackbone + kHead);
    EXPECT_EQ(account.head, kHead);
    return account.trainable;
  };
  EXPECT_EQ(trainable("gps", {}), 175'114);
  EXPECT_EQ(trainable("gps", {{"k", "3"}, {"train-bias", "off"}}), 3 * kColumns + kHead);
  EXPECT_EQ(trainable("grft", {{"k", "3"}}), 3 * kShort + kHead);
  EXPECT_EQ(trainable("grft", {{"axis", "row"}}), 2 * kRows + kHead);
  EXPECT_EQ(trainable("grft", {{"axis", "column"}, {"train-bias", "on"}}), 2 * kColumns + kBiases + kHead);
  EXPECT_EQ(trainable("linear", {}), kHead);
  EXPECT_EQ(trainable("bitfit", {}), kBiases + 38'400 / 2 + kHead);
  EXPECT_EQ(trainable("full", {}), kBackbone + kHead);
  // Per block floor(0.01 n) + 1 of four matrices, and of the patch embedding.
  EXPECT_EQ(trainable("sift", {}), 12 * (17'695 + 5'899 + 2 * 23'593) + 5'899 + kHead);
}

TEST(account, groups_parameters_that_differ_in_their_block_in_the_models_order) {
  Vit model = small::model(small::deep());
  small::method("grft")->prepare(model, nullptr);
  const Account account = peft::account(model);
  std::vector<std::string> names;
  Index trainable = 0, total = 0;
  for (const Account::Group& group : account.groups) {
    names.push_back(group.name);
    EXPECT_EQ(group.tensors, group.name.starts_with("blocks.*.") ? 3 : 1) << group.name;
    trainable += group.trainable, total += group.total;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"cls_token",
                                             "pos_embed",
                                             "patch_embed.proj.weight",
                                             "patch_embed.proj.bias",
                                             "blocks.*.norm1.weight",
                                             "blocks.*.norm1.bias",
                                             "blocks.*.attn.qkv.weight",
                                             "blocks.*.attn.qkv.bias",
                                             "blocks.*.attn.proj.weight",
                                             "blocks.*.attn.proj.bias",
                                             "blocks.*.norm2.weight",
                                             "blocks.*.norm2.bias",
                                             "blocks.*.mlp.fc1.weight",
                                             "blocks.*.mlp.fc1.bias",
                                             "blocks.*.mlp.fc2.weight",
                                             "blocks.*.mlp.fc2.bias",
                                             "norm.weight",
                                             "norm.bias",
                                             "head.weight",
                                             "head.bias"}));
  EXPECT_EQ(trainable, account.trainable);
  EXPECT_EQ(total, account.total);
  const auto qkv = std::ranges::find(account.groups, "blocks.*.attn.qkv.weight", &Account::Group::name);
  EXPECT_EQ(qkv->trainable, 3 * 2 * 36);  // two columns of [36, 12] in three blocks
  EXPECT_EQ(qkv->total, 3 * 36 * 12);
}

TEST(account, has_a_percentage_even_of_nothing) {
  EXPECT_EQ(Account{}.percent(), 0);
  EXPECT_DOUBLE_EQ((Account{.trainable = 3, .head = 1, .total = 12, .groups = {}}).percent(), 25);
}

}  // namespace
