/**
 * What to run where a Connector is to be, word for word, with the Tenant's address and the one-time token in
 * it. Containers without a disk keep their key in a secret of their own; the others in a volume or directory.
 * `sallyportd connector --help` has every setting (`node-agents/process/settings.ts`).
 */
export interface Enrolment {
  /** Of the Tenant. */
  url: string;
  token: string;
  /** The Connector's. */
  name: string;
  image: string;
}

export interface Text {
  id: string;
  title: string;
  /** What has to be there, in a sentence or two. */
  before: string;
  text: string;
}

export const texts = (enrolment: Enrolment): Text[] => [
  docker(enrolment),
  compose(enrolment),
  ecs(enrolment),
  systemd(enrolment),
  kubernetes(enrolment),
];

/** A Controller that only its own machine reaches: containers there must share its network. */
export const isLoopback = (url: string): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);

/** `office-1`: fit for containers, units and Kubernetes alike. */
export const slugOf = (name: string): string =>
  `sallyport-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`.slice(0, 50).replace(/-+$/, '');

const makeKey = 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl base64 -A';

const docker = ({ url, token, name, image }: Enrolment): Text => ({
  id: 'docker',
  title: 'Docker',
  before: 'Its key is kept in the volume, so that it can be started again without a new token.',
  text: `docker run --detach --restart unless-stopped --name ${slugOf(name)} \\${
    isLoopback(url) ? '\n  --network host \\' : ''
  }
  --read-only --cap-drop ALL --security-opt no-new-privileges \\
  --volume ${slugOf(name)}:/var/lib/sallyport \\
  --env SALLYPORT_URL='${url}' \\
  --env SALLYPORT_ENROLL_TOKEN='${token}' \\
  ${image} connector`,
});

const compose = ({ url, token, name, image }: Enrolment): Text => ({
  id: 'compose',
  title: 'Compose',
  before: 'Save it as compose.yaml, then: docker compose up --detach',
  text: `services:
  ${slugOf(name)}:
    image: ${image}
    command: connector
    restart: unless-stopped${isLoopback(url) ? '\n    network_mode: host' : ''}
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    environment:
      SALLYPORT_URL: "${url}"
      SALLYPORT_ENROLL_TOKEN: "${token}"
    volumes:
      - key:/var/lib/sallyport
volumes:
  key:`,
});

const ecs = ({ url, token, name, image }: Enrolment): Text => ({
  id: 'ecs',
  title: 'ECS',
  before:
    'Fill in the first four lines. The execution role must be allowed secretsmanager:GetSecretValue on the secret, which keeps the key when a task is replaced.',
  text: `CLUSTER=default
SUBNETS=subnet-…
SECURITY_GROUP=sg-…
EXECUTION_ROLE=arn:aws:iam::…:role/ecsTaskExecutionRole

SECRET=$(aws secretsmanager create-secret --name ${slugOf(name)} --query ARN --output text \\
  --secret-string "{\\"token\\":\\"${token}\\",\\"key\\":\\"$(${makeKey})\\"}")

cat > ${slugOf(name)}.json <<JSON
${JSON.stringify(taskDefinition({ url, name, image }), null, 2)}
JSON

aws ecs register-task-definition --cli-input-json file://${slugOf(name)}.json
aws ecs create-service --cluster "$CLUSTER" --service-name ${slugOf(name)} \\
  --task-definition ${slugOf(name)} --desired-count 1 --launch-type FARGATE \\
  --deployment-configuration minimumHealthyPercent=0,maximumPercent=100 \\
  --network-configuration "awsvpcConfiguration={subnets=[$SUBNETS],securityGroups=[$SECURITY_GROUP]}"`,
});

/** `$SECRET` and `$EXECUTION_ROLE` are the shell's. */
const taskDefinition = ({ url, name, image }: Omit<Enrolment, 'token'>) => ({
  family: slugOf(name),
  requiresCompatibilities: ['FARGATE'],
  networkMode: 'awsvpc',
  cpu: '256',
  memory: '512',
  executionRoleArn: '$EXECUTION_ROLE',
  containerDefinitions: [
    {
      name: 'connector',
      image,
      command: ['connector'],
      essential: true,
      readonlyRootFilesystem: true,
      stopTimeout: 60,
      environment: [{ name: 'SALLYPORT_URL', value: url }],
      secrets: [
        { name: 'SALLYPORT_ENROLL_TOKEN', valueFrom: '$SECRET:token::' },
        { name: 'SALLYPORT_CONNECTOR_KEY', valueFrom: '$SECRET:key::' },
      ],
    },
  ],
});

const systemd = ({ url, token, name }: Enrolment): Text => ({
  id: 'systemd',
  title: 'systemd',
  before: 'The project lies in /opt/sallyport, readable by everybody, and “npm ci” was run there.',
  text: `sudo install -d -m 700 /etc/sallyport
sudo install -m 600 /dev/stdin /etc/sallyport/${slugOf(name)}.env <<'END'
SALLYPORT_URL=${url}
SALLYPORT_ENROLL_TOKEN=${token}
SALLYPORT_STATE_DIR=/var/lib/${slugOf(name)}
END

sudo install -m 644 /dev/stdin /etc/systemd/system/${slugOf(name)}.service <<'END'
[Unit]
Description=Sallyport Connector
After=network-online.target nss-lookup.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=/opt/sallyport/node_modules/.bin/node /opt/sallyport/node-agents/sallyportd.js connector
EnvironmentFile=/etc/sallyport/${slugOf(name)}.env
DynamicUser=yes
StateDirectory=${slugOf(name)}
StateDirectoryMode=0700
Restart=always
RestartSec=1
RestartPreventExitStatus=2 3 4
LimitNOFILE=262144
UMask=0077
CapabilityBoundingSet=
ProtectHome=yes
PrivateDevices=yes
PrivateIPC=yes
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
KeyringMode=private
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
END

sudo systemctl daemon-reload
sudo systemctl enable --now ${slugOf(name)}`,
});

const kubernetes = ({ url, token, name, image }: Enrolment): Text => ({
  id: 'kubernetes',
  title: 'Kubernetes',
  before:
    'The Secret keeps its key, so that a pod can be replaced. It runs in the namespace of your context.',
  text: `kubectl create secret generic ${slugOf(name)} \\
  --from-literal=token='${token}' \\
  --from-literal=key="$(${makeKey})"

kubectl apply -f - <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${slugOf(name)}
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels: { app: ${slugOf(name)} }
  template:
    metadata:
      labels: { app: ${slugOf(name)} }
    spec:
      automountServiceAccountToken: false
      containers:
        - name: connector
          image: "${image}"
          args: [connector]
          env:
            - name: SALLYPORT_URL
              value: "${url}"
            - name: SALLYPORT_ENROLL_TOKEN
              valueFrom: { secretKeyRef: { name: ${slugOf(name)}, key: token } }
            - name: SALLYPORT_CONNECTOR_KEY
              valueFrom: { secretKeyRef: { name: ${slugOf(name)}, key: key } }
          securityContext:
            runAsNonRoot: true
            runAsUser: 1000
            readOnlyRootFilesystem: true
            allowPrivilegeEscalation: false
            capabilities: { drop: [ALL] }
YAML`,
});
