#include <sys/socket.h>
int main() { addr.sin_port = htons(8099); }
