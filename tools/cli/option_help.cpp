#include "tools/cli/option_help.h"

#include <algorithm>
#include <sstream>

#include "engine/base/text.h"

namespace cli {
namespace {

constexpr std::size_t kMargin = 2, kGap = 2;

/// Where the texts begin.
std::size_t text_column(std::size_t width) {
  return std::min<std::size_t>(28, width * 2 / 5);
}

std::string left_part(const Option& option) {
  const bool has_opposite = is_switch(option) && std::holds_alternative<training::OfMethod>(option.value);
  return std::string(kMargin, ' ') + (has_opposite ? "--[no-]" : "--") + option.name +
         (option.takes.empty() ? "" : " " + option.takes);
}

/// One paragraph, its first line behind `column` characters that are there already.
void wrap_line(std::ostream& out, const std::string& text, std::size_t width, std::size_t indent,
               std::size_t column) {
  std::istringstream words(text);
  bool first = true;
  for (std::string word; words >> word; first = false) {
    if (!first && column + 1 + word.size() > width) {
      out << '\n' << std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out << ' ';
      ++column;
    }
    out << word;
    column += word.size();
  }
}

std::string method_help(const peft::MethodInfo& method, std::size_t width) {
  std::map<std::string, std::string> unused;
  std::string all = "\n" + wrapped("Method " + method.name + ": " + method.summary, width) + '\n';
  for (const peft::OptionInfo& option : method.options)
    all += option_lines(training::method_option(option, unused), width);
  if (method.options.empty()) all += std::string(kMargin, ' ') + "takes no options\n";
  return all;
}

}  // namespace

std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
  std::ostringstream out;
  std::istringstream lines(text);
  bool first = true;
  for (std::string line; std::getline(lines, line); first = false) {
    if (!first) out << '\n' << std::string(line.empty() ? 0 : indent, ' ');
    wrap_line(out, line, width, indent, first ? 0 : indent);
  }
  return out.str();
}

std::string wrapped_command(const std::string& command, std::size_t width) {
  const std::string end = " \\", indent(2 * kMargin, ' ');
  std::string all(kMargin, ' ');
  std::size_t column = kMargin;
  for (std::size_t begin = 0; begin < command.size();) {
    const std::size_t next = std::min(command.find(" --", begin + 1), command.size());
    const std::string part = command.substr(begin, next - begin);
    if (begin > 0 && column + part.size() + end.size() > width) {
      all += end + '\n' + indent + part.substr(1);
      column = indent.size() + part.size() - 1;
    } else {
      all += part;
      column += part.size();
    }
    begin = next;
  }
  return all;
}

std::string option_lines(const Option& option, std::size_t width) {
  const std::size_t column = text_column(width);
  const std::string left = left_part(option);
  std::ostringstream out;
  out << left;
  if (left.size() + kGap <= column)
    out << std::string(column - left.size(), ' ');
  else
    out << '\n' << std::string(column, ' ');
  const std::string text = option.help + " [" + option.default_text + "]";
  wrap_line(out, text, width, column, column);
  out << '\n';
  return out.str();
}

std::string options_help(const OptionTable& table, bool all, const peft::MethodInfo* method,
                         std::size_t width) {
  std::vector<std::string> groups;
  for (const Option& option : table.options())
    if ((all || option.common) && std::ranges::find(groups, option.group) == groups.end())
      groups.push_back(option.group);
  std::string text;
  for (const std::string& group : groups) {
    text += "\n" + group + ":\n";
    bool has_method = false;
    for (const Option& option : table.options()) {
      if (option.group != group || !(all || option.common)) continue;
      text += option_lines(option, width);
      has_method = has_method || option.name == "method";
    }
    if (has_method && method) text += method_help(*method, width);
  }
  return text;
}

}  // namespace cli
