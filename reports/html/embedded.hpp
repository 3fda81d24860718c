// The page's sources, put into the program by embed.cmake.
#pragma once

#include <string_view>

namespace ww::reports::html {

extern const std::string_view k_page_html;
extern const std::string_view k_page_css;
extern const std::string_view k_data_js;
extern const std::string_view k_view_js;
extern const std::string_view k_tracks_js;
extern const std::string_view k_plots_js;
extern const std::string_view k_history_js;
extern const std::string_view k_main_js;
extern const std::string_view k_bench_html;
extern const std::string_view k_bench_css;
extern const std::string_view k_campaign_html;
extern const std::string_view k_campaign_css;
extern const std::string_view k_campaign_js;

}  // namespace ww::reports::html
