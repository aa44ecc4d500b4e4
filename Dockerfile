# sallyportd in a container: `docker build --tag sallyport .`, then `docker run … sallyport connector`.
# It runs as nobody in particular, needs no capability, and writes to the state directory alone.
FROM node:26-slim
WORKDIR /opt/sallyport
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force
COPY schema schema
COPY node-agents node-agents
RUN install -d -m 700 -o 1000 -g 1000 /var/lib/sallyport
ENV SALLYPORT_STATE_DIR=/var/lib/sallyport
VOLUME /var/lib/sallyport
USER 1000:1000
ENTRYPOINT ["/opt/sallyport/node_modules/.bin/node", "/opt/sallyport/node-agents/sallyportd.js"]
CMD ["connector"]
