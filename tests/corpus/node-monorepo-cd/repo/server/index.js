require("express")().listen(process.env.PORT || 5001);
