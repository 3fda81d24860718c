// The elements of JUnit's XML.
#pragma once

#include <string>
#include <vector>

#include "reports/run_report.hpp"

namespace ww::reports::junit {

/// ` name="value"`, escaped; newlines are spelt, since XML readers would make them spaces.
std::string attribute(const std::string& name, const std::string& value);

/// A <failure> or an <error> of a case.
std::string problem(const char* element, const std::string& message, const std::string& type,
                    const std::string& details);

/// A case; an empty body is one that passed.
std::string test_case(const std::string& suite, const std::string& name, double seconds,
                      const std::string& body);

/// The whole file: one suite with these cases, which are counted. `started`: UTC text.
std::string document(const std::string& suite, double seconds, std::string started,
                     const std::vector<Fact>& properties, const std::string& cases);

}  // namespace ww::reports::junit
