// An app as people write them with Express, and its handler by serverless-http.
const express = require('express');
const serverless = require('serverless-http');

const app = express();
app.use(express.json());

app.get('/pets/:id', (request, response) => {
  const cookies = Object.fromEntries((request.headers.cookie || '').split('; ').map((each) => each.split('=')));
  const who = request.headers['x-who'] || '';
  response.json({ id: request.params.id, tag: request.query.tag || '', seen: cookies.seen || '', who });
});

app.post('/pets', (request, response) => {
  if (!Number.isInteger(request.body.age)) return response.status(422).send('a pet has an age');
  response.cookie('seen', 'yes');
  response.cookie('twice', 'yes');
  return response.status(201).json({ name: request.body.name });
});

app.put('/echo', express.raw({ type: '*/*' }), (request, response) => {
  response.type('application/octet-stream').send(request.body);
});

app.get('/away', (request, response) => response.redirect(303, '/pets/1'));

exports.handler = serverless(app, { binary: ['application/octet-stream', 'image/*'] });
