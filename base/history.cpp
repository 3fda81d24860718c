#include "base/history.hpp"
