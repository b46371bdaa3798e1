#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace data {

/// In which order the names of classes are numbered: by their bytes, as torchvision and Hugging Face's
/// datasets have them (1, 10, 2); or as timm has them, numbers in them by their values and letters without
/// their case (1, 2, 10).
enum class ClassOrder { sorted, natural };

/// True when `a` comes before `b`. timm leaves open which of two names comes first that differ in case or in
/// leading zeros alone; here their bytes decide. Only letters of ASCII lose their case.
bool natural_before(std::string_view a, std::string_view b);

void sort_classes(std::vector<std::string>& names, ClassOrder order);

/// A file in the folder of a data set with the names of its classes in their order, one a line.
struct ClassMap {
  std::filesystem::path file;
  std::vector<std::string> names;
};

/// That of classes.txt or, as timm calls it, class_map.txt; nothing where there is neither. Throws an Error
/// when there are both, a name is there twice, or there are fewer than two.
std::optional<ClassMap> read_class_map(const std::filesystem::path& dir);

}  // namespace data
