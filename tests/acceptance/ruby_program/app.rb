# frozen_string_literal: true

require 'base64'
require 'sinatra/base'

# A web program as people write it; `handler` is what stands between it and an HTTP event.
class Notes < Sinatra::Base
  set :environment, :production
  set :host_authorization, {}
  NOTES = {}

  put('/notes/:name') { NOTES[params['name']] = request.body.read and halt(201) }
  get('/notes/:name') { NOTES.fetch(params['name']) { halt(404, 'no such note') } }
  get('/page') do
    headers['X-Made-By'] = "sinatra #{Sinatra::VERSION}, rack #{Rack.release}"
    erb '<p><%= name %></p>', locals: { name: params['name'] }
  end
end

def handler(event:, context:)
  body = event['body'].to_s
  body = Base64.decode64(body) if event['isBase64Encoded']
  http = event['requestContext']['http']
  asked = Rack::MockRequest.env_for("#{event['rawPath']}?#{event['rawQueryString']}", method: http['method'], input: body)
  status, headers, parts = Notes.call(asked)
  { statusCode: status, headers: headers.to_h, body: parts.each.to_a.join }
end
