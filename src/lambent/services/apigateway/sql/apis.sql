-- name: document
SELECT document FROM apis WHERE account = :account AND region = :region AND api_id = :api_id;

-- name: documents
SELECT document FROM apis WHERE account = :account AND region = :region ORDER BY api_id;

-- name: owner
SELECT account, region FROM apis WHERE api_id = :api_id;

-- name: set_document
INSERT INTO apis (account, region, api_id, document) VALUES (:account, :region, :api_id, :document)
ON CONFLICT (account, region, api_id) DO UPDATE SET document = excluded.document;

-- name: delete_api
DELETE FROM apis WHERE account = :account AND region = :region AND api_id = :api_id;

-- name: delete_deployments
DELETE FROM deployments WHERE api_id = :api_id;

-- name: delete_stages
DELETE FROM stages WHERE api_id = :api_id;

-- name: deployment
SELECT deployment, document FROM deployments WHERE api_id = :api_id AND deployment_id = :deployment_id;

-- name: deployments
SELECT deployment FROM deployments WHERE api_id = :api_id ORDER BY deployment_id;

-- name: add_deployment
INSERT INTO deployments (api_id, deployment_id, deployment, document)
VALUES (:api_id, :deployment_id, :deployment, :document);

-- name: set_deployment
UPDATE deployments SET deployment = :deployment WHERE api_id = :api_id AND deployment_id = :deployment_id;

-- name: delete_deployment
DELETE FROM deployments WHERE api_id = :api_id AND deployment_id = :deployment_id;

-- name: stage
SELECT stage FROM stages WHERE api_id = :api_id AND name = :name;

-- name: stages
SELECT stage FROM stages WHERE api_id = :api_id ORDER BY name;

-- name: set_stage
INSERT INTO stages (api_id, name, stage) VALUES (:api_id, :name, :stage)
ON CONFLICT (api_id, name) DO UPDATE SET stage = excluded.stage;

-- name: delete_stage
DELETE FROM stages WHERE api_id = :api_id AND name = :name;

-- name: all_stages
SELECT apis.api_id, stages.name FROM apis LEFT JOIN stages ON stages.api_id = apis.api_id
WHERE apis.account = :account AND apis.region = :region;
