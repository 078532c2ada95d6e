// Routes by Express, validation by Zod, dates by Day.js, behind a function URL.
import dayjs from 'dayjs';
import express from 'express';
import serverless from 'serverless-http';
import { z } from 'zod';

const Booking = z.object({ guest: z.string().min(2), nights: z.number().int().positive(), from: z.string().date() });

const app = express();
app.use(express.json());
app.get('/hello/:name', (request, response) => response.json({ hello: request.params.name, query: request.query }));
app.post('/bookings', (request, response) => {
  const parsed = Booking.safeParse(request.body);
  if (!parsed.success) {
    response.status(422).json({ problems: parsed.error.issues.map((issue) => issue.path.join('.')) });
    return;
  }
  const { from, nights } = parsed.data;
  response.status(201).cookie('booked', 'yes').json({ until: dayjs(from).add(nights, 'day').format('YYYY-MM-DD') });
});
app.use((request, response) => response.status(404).send('no such page'));

export const handler = serverless(app);
