# Fails when a file below ROOT left of experiments and the command line writes to a stream, parses options or handles
# signals: what they know goes to the caller, as values, Errors and events.
#   cmake -D ROOT=<source folder> -P tests/prints.cmake
cmake_minimum_required(VERSION 3.22)

set(patterns
    "^[ \t]*#[ \t]*include[ \t]*<(iostream|csignal|signal\\.h|CLI/[^>]*)>"
    "std::w?(cout|cerr|clog)([^A-Za-z0-9_]|$)"
    "(^|[^A-Za-z0-9_])(v?f?printf|dprintf|puts|fputs|putchar|fputc|putc|perror|psignal) *\\("  # not snprintf
    "(^|[^A-Za-z0-9_])(STDOUT_FILENO|STDERR_FILENO|stdout|stderr)([^A-Za-z0-9_]|$)"
    "(^|[^A-Za-z0-9_.>])(signal|sigaction|raise) *\\(")

file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/engine/* ${ROOT}/models/* ${ROOT}/peft/* ${ROOT}/data/*
     ${ROOT}/tools/training/* ${ROOT}/tools/exports/*)
list(FILTER files INCLUDE REGEX "\\.(h|cpp|def)$")
set(complaints 0)
foreach(file IN LISTS files)
  foreach(pattern IN LISTS patterns)
    file(STRINGS ${ROOT}/${file} lines REGEX "${pattern}")
    foreach(line IN LISTS lines)
      string(STRIP "${line}" line)
      if(NOT line MATCHES "^//")
        math(EXPR complaints "${complaints} + 1")
        message("${file} is a library and may not: ${line}")
      endif()
    endforeach()
  endforeach()
endforeach()

list(LENGTH files count)
if(count EQUAL 0)
  message(FATAL_ERROR "no files found below ${ROOT}")
elseif(complaints GREATER 0)
  message(FATAL_ERROR "${complaints} lines print, parse or handle signals")
endif()
message("${count} files print, parse and handle no signals")
