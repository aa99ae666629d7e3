const express = require('express');

const app = express();
app.set('port', process.env.PORT || process.env.OPENSHIFT_NODEJS_PORT || 8080);
app.get('/', (req, res) => res.send('desk'));
app.listen(app.get('port'));
