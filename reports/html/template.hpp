// A page's template with its places filled in one pass. What is filled in is never searched for
// places again, so that an error message that reads "{{data}}" stays one.
#pragma once

#include <string>
#include <string_view>

#include "base/assert.hpp"

namespace ww::reports::html {

/// Replaces each {{name}} of the template by `place(name)`.
template <class Place>
std::string filled(std::string_view page, const Place& place) {
  std::string out;
  for (std::size_t at = page.find("{{"); at != std::string_view::npos; at = page.find("{{")) {
    const std::size_t end = page.find("}}", at);
    WW_ASSERT(end != std::string_view::npos, "the page's template has an unclosed place");
    out += page.substr(0, at);
    out += place(page.substr(at + 2, end - at - 2));
    page.remove_prefix(end + 2);
  }
  out += page;
  return out;
}

}  // namespace ww::reports::html
