const io = require("socket.io")(process.env.SOCKET_PORT || 9200 + 1);
server.listen(7070);
