#include "peft/methods.h"

#include "engine/base/text.h"
#include "peft/adapter.h"
#include "peft/bitfit.h"
#include "peft/dora.h"
#include "peft/fisher.h"
#include "peft/full.h"
#include "peft/gps.h"
#include "peft/green.h"
#include "peft/grft.h"
#include "peft/l2_sp.h"
#include "peft/last_k.h"
#include "peft/linear.h"
#include "peft/lisa.h"
#include "peft/ln.h"
#include "peft/lora.h"
#include "peft/lp_ft.h"
#include "peft/lt_sft.h"
#include "peft/magnitude.h"
#include "peft/neuroada.h"
#include "peft/random.h"
#include "peft/sam.h"
#include "peft/sara.h"
#include "peft/shira.h"
#include "peft/sift.h"
#include "peft/smallest.h"
#include "peft/spiel.h"
#include "peft/spt.h"
#include "peft/ssf.h"
#include "peft/vpt.h"

namespace peft {

const std::vector<MethodInfo>& methods() {
  // clang-format off
  static const std::vector<MethodInfo> table{
      full(),
      linear(),
      grft(),
      gps(),
      sift(),
      bitfit(),
      ln(),
      last_k(),
      l2_sp(),
      lp_ft(),
      lora(),
      dora(),
      adapter(),
      ssf(),
      vpt(),
      random(),
      magnitude(),
      fisher(),
      sam(),
      shira(),
      neuroada(),
      lt_sft(),
      spiel(),
      sara(),
      spt(),
      lisa(),
      green(),
      smallest(),
  };
  // clang-format on
  return table;
}

const MethodInfo& find_method(const std::string& name) {
  std::vector<std::string> names;
  for (const MethodInfo& method : methods()) {
    if (method.name == name) return method;
    names.push_back(method.name);
  }
  throw engine::Error("unknown method '" + name + "'" + engine::did_you_mean(name, names));
}

std::unique_ptr<Method> make_method(const std::string& name,
                                    const std::map<std::string, std::string>& options, std::uint64_t seed) {
  const MethodInfo& info = find_method(name);
  return info.make(OptionValues(name, info.options, options, seed));
}

}  // namespace peft
